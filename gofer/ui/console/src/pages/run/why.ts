/** Why a task run or an attempt is as it is, in the server's words where it has any. */

interface Told {
  status: string;
  reason: string;
  detail: string;
  exit_code: number | null;
}

export function whyOf(told: Told): string {
  const { reason, detail, exit_code } = told;
  const code = exit_code === null || exit_code === 0 ? "" : `exit code ${exit_code}`;
  if (reason === "" && detail === "") return code;
  const said = detail === "" ? reason.replaceAll("_", " ") : detail;
  return code === "" || said.includes(`${exit_code}`) ? said : `${said} (${code})`;
}
