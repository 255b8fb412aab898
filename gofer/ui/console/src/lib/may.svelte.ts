/** What the reader may do here. */

import { whoIsThere } from "./api/client";
import { live } from "./live/events.svelte";
import { allows, type Who } from "./rights";

class Rights {
  #who = $state.raw<Who>();

  /** Whether it is known who is there. Nothing that may be refused is asked for before. */
  get isKnown(): boolean {
    return this.#who !== undefined;
  }

  /** As `allows`; of somebody who is not known yet, no. */
  may(permission: string, namespace?: string, pipeline?: string): boolean {
    return this.#who !== undefined && allows(this.#who, permission, namespace, pipeline);
  }

  /** Learns who is there, again after each lost connection: a change of a token or of its roles ends its streams. */
  follow(): void {
    void live.state;
    void whoIsThere().then(
      (session) => (this.#who = session.who),
      () => undefined, // Who is not signed in is sent to sign in; a server that is away comes back.
    );
  }
}

export const rights = new Rights();
