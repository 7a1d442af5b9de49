// What processes have used, as the system knows it (/proc): alike for servers of ours and of others.
import { readdirSync, readFileSync } from "node:fs";

/** A process and those that it has started, and they. */
export function treeOf(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    const text = readFileSync(`/proc/${pid}/task/${task}/children`, "utf8");
    return text.split(" ").filter(Boolean).map(Number);
  });
  return [pid, ...children.flatMap(treeOf)];
}

/** CPU time of all threads of some processes, in microseconds. */
export function cpuOf(pids) {
  let ns = 0;
  for (const pid of pids)
    for (const task of readdirSync(`/proc/${pid}/task`))
      try {
        ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]);
      } catch {
        // A thread that has ended meanwhile.
      }
  return ns / 1000;
}

/** Resident memory in MiB: of their own, and pages of files that the system can take back. */
export function memoryOf(pids) {
  const sum = { own: 0, files: 0 };
  for (const pid of pids) {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const mib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0) / 1024;
    sum.own += mib("RssAnon");
    sum.files += mib("RssFile");
  }
  return { own: Math.round(sum.own), files: Math.round(sum.files) };
}
