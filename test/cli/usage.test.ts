import { afterAll, describe, expect, it } from "vitest";
import { Shell } from "./command.js";

const shell = new Shell();
afterAll(() => shell.remove());

interface Row {
  readonly line: string;
  readonly code: number;
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
  readonly never?: RegExp;
}

/** What is said of an argument that should name a principal and does not. */
const noPrincipal = (command: string, argument: string) =>
  new RegExp(
    `^tessera: ${command}: ${argument}: not a principal of the form primary/instance@REALM\\n` +
      "tessera: up to four components with / between, .*\\n" +
      `tessera: usage: tessera ${command} `,
  );

const ROWS: readonly Row[] = [
  { line: "--help", code: 0, stdout: /commands:[\s\S]*kinit +log in[\s\S]*exit codes: 0 done/ },
  { line: "", code: 2, stdout: /^usage: tessera COMMAND/ },
  { line: "--version", code: 0, stdout: /^tessera \d+\.\d+\.\d+\n$/ },
  { line: "version --json", code: 0, stdout: /"tessera": "\d/ },
  { line: "kinti", code: 2, stderr: /unknown command: kinti; did you mean `tessera kinit`\?/ },
  { line: "kadmin addpinc x", code: 2, stderr: /did you mean `tessera kadmin addprinc`\?/ },
  { line: "kadmin --help", code: 0, stdout: /kadmin ktadd +write a service's keys into a keytab/ },
  { line: "kadmin ktadd --help", code: 0, stdout: /examples:\n {2}tessera kadmin ktadd -k notes\.keytab/ },
  { line: "kinit --hep", code: 2, stderr: /^tessera: kinit: unknown option --hep; did you mean --help\?/ },
  { line: "klist --etype", code: 2, stderr: /did you mean --etypes\?/ },
  { line: "kinit -l", code: 2, stderr: /-l needs a value: TIME/ },
  { line: "kinit -l soon alice", code: 2, stderr: /-l: expected a time such as 10h/ },
  { line: "kinit -e rot13 alice", code: 2, stderr: /no encryption type rot13/ },
  { line: "kinit --kdc nowhere alice", code: 2, stderr: /expected HOST:PORT, got "nowhere"/ },
  { line: "kinit al@ice@EXAMPLE.TEST", code: 2, stderr: noPrincipal("kinit", "principal") },
  { line: "trace --service v/ alice", code: 2, stderr: noPrincipal("trace", "--service") },
  { line: "kinit hunter2!", code: 2, stderr: noPrincipal("kinit", "principal"), never: /hunter2/ },
  { line: "serve mail", code: 2, stderr: /no server mail/ },
  { line: "serve --v-port 70000", code: 2, stderr: /--v-port: expected a port/ },
  { line: "call put-nte", code: 2, stderr: /no operation put-nte; did you mean put-note\?/ },
  { line: "call put-note nam=x", code: 2, stderr: /has no field nam; did you mean name\?/ },
  { line: "call put-note --help", code: 0, stdout: /^usage: tessera call put-note name=TEXT text=TEXT\n/ },
  { line: "call --list", code: 0, stdout: /put-note name=text text=text +Writes a note/ },
  { line: "kinit alice hunter2", code: 2, stderr: /never taken from the command line/, never: /hunter2/ },
  { line: "kinit --password=hunter2 alice", code: 2, stderr: /--password-stdin/, never: /hunter2/ },
  { line: "kadmin addprinc -pw hunter2 alice", code: 2, stderr: /--password-file/, never: /hunter2/ },
  { line: "kinit --pasword hunter2 alice", code: 2, stderr: /never taken/, never: /hunter2/ },
  { line: "klist", code: 1, stderr: /nobody is logged in[\s\S]*\nhint: run `tessera kinit`\n$/ },
  { line: "klist --json", code: 1, stdout: /"hint": "run `tessera kinit`"/, stderr: /^tessera: nobody/ },
  { line: "kdestroy", code: 0, stderr: /nobody was logged in/ },
  { line: "realm show", code: 1, stderr: /there is no realm here\nhint: .*tessera realm create/ },
  {
    line: "klist -k missing.keytab",
    code: 1,
    stderr: /missing\.keytab: no such file.*\nhint: check the path\n$/,
  },
];

describe("the command line", () => {
  it.each(ROWS)("tessera $line ends with $code", async ({ line, code, stdout, stderr, never }) => {
    const outcome = await shell.run(line);
    expect(outcome.code, outcome.stderr).toBe(code);
    expect(outcome.stdout).toMatch(stdout ?? /^/);
    expect(outcome.stderr).toMatch(stderr ?? /^$/);
    if (never !== undefined) expect(outcome.stdout + outcome.stderr).not.toMatch(never);
    for (const text of outcome.stderr.split("\n")) expect(text).toMatch(/^(tessera: .*|hint: .*|)$/);
  });
});
