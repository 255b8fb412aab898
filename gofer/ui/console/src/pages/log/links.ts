/** Addresses in a line's text. */

export interface Link {
  from: number;
  to: number;
  href: string;
}

const ADDRESS = /https?:\/\/[^\s<>"'`|\\^{}]+/gi;

/** The address, if a click on it cannot do more than open a page. */
export function safeLink(address: string): string | undefined {
  if (!/^https?:\/\//i.test(address) || address.length > 4096) return undefined;
  try {
    const url = new URL(address);
    // A name before an @ makes an address look like another one.
    return url.username === "" && url.password === "" ? url.href : undefined;
  } catch {
    return undefined;
  }
}

export function links(text: string): Link[] {
  const found: Link[] = [];
  if (!text.includes("://")) return found;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutEnd(match[0]);
    const href = safeLink(address);
    if (href !== undefined) found.push({ from: match.index, to: match.index + address.length, href });
  }
  return found;
}

/** Without the punctuation that belongs to the sentence, and brackets that were opened before it. */
function withoutEnd(address: string): string {
  let end = address.length;
  for (;;) {
    const last = address[end - 1] ?? "";
    const opening = { ")": "(", "]": "[" }[last];
    if (".,;:!?*".includes(last) && last !== "") end -= 1;
    else if (opening !== undefined && count(address, last, end) > count(address, opening, end)) end -= 1;
    else return address.slice(0, end);
  }
}

function count(text: string, character: string, end: number): number {
  let found = 0;
  for (let at = 0; at < end; at++) if (text[at] === character) found += 1;
  return found;
}
