/** Who or what has started a run, in words, and where that leads. */

import type { Run } from "../../lib/api/types";
import { to } from "../../lib/router.svelte";

export interface Initiator {
  text: string;
  href?: string;
}

export function initiatorOf(run: Pick<Run, "namespace" | "pipeline" | "initiator">): Initiator {
  const { kind, name } = run.initiator;
  switch (kind) {
    case "retry":
      return { text: `retry of run ${name}`, href: to.run(run.namespace, run.pipeline, Number(name)) };
    case "deployment":
      return { text: `deployment ${name}`, href: to.pipeline(run.namespace, run.pipeline) };
    case "trigger":
      return { text: `trigger ${name}`, href: to.system("triggers") };
    case "task": {
      const [pipeline, number, task] = name.split("/");
      if (pipeline === undefined || number === undefined || task === undefined)
        return { text: `task ${name}` };
      return { text: `task ${name}`, href: to.log(run.namespace, pipeline, Number(number), task) };
    }
    case "token":
      return { text: `token ${name}`, href: to.system("tokens") };
    default:
      return { text: name === "" ? "a person" : `user ${name}` };
  }
}
