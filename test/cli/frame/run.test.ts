/** The frame: from words to a command, its help and its exit code. */
import { afterAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../../src/cli/frame/command-table.js";
import { InProcess } from "../in-process.js";

const shell = new InProcess();
afterAll(() => shell.remove());

interface Row {
  readonly line: string;
  readonly code: number;
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
  readonly never?: RegExp;
}

const ROWS: readonly Row[] = [
  { line: "--help", code: 0, stdout: /commands:[\s\S]*kinit +log in[\s\S]*exit codes: 0 done/ },
  { line: "help", code: 0, stdout: /^usage: tessera COMMAND/ },
  { line: "", code: 2, stdout: /^usage: tessera COMMAND/ },
  { line: "kinti", code: 2, stderr: /unknown command: kinti; did you mean `tessera kinit`\?/ },
  { line: "qqqq", code: 2, stderr: /^tessera: unknown command: qqqq\n.*\n.*`tessera --help` lists/ },
  { line: "kadmin addpinc x", code: 2, stderr: /did you mean `tessera kadmin addprinc`\?/ },
  { line: "kadmin add_principal x y z", code: 2, stderr: /kadmin addprinc: too many arguments/ },
  { line: "kadmin getprincs --help", code: 0, stdout: /^usage: tessera kadmin listprincs/ },
  { line: "kadmin -q x", code: 2, stderr: /no option -q here: type the command after kadmin/ },
  { line: "kadmin addprinc -policy p x", code: 2, stderr: /no option -policy here: there are no password/ },
  { line: "kadmin modprinc -allow_tix x", code: 2, stderr: /-allow_tix here: --disable and --enable/ },
  { line: "kadmin modprinc +needchange x", code: 2, stderr: /no option -needchange here: --pw-expire now/ },
  { line: "kadmin ktadd -glob x", code: 2, stderr: /no option -glob here: name each principal/ },
  { line: "kadmin cpw -keepold x", code: 2, stderr: /no option -keepold here: old random keys stay good/ },
  { line: "kvno -U alice v/localhost", code: 2, stderr: /no option -U here: nobody gets tickets for/ },
  { line: "kadmin", code: 2, stdout: /^usage: tessera kadmin COMMAND/ },
  { line: "kadmin --help", code: 0, stdout: /kadmin ktadd +write a service's keys into a keytab/ },
  { line: "kadmin ktadd --help", code: 0, stdout: /examples:\n {2}tessera kadmin ktadd -k notes\.keytab/ },
  { line: "kinit --nonsense --help", code: 0, stdout: /^usage: tessera kinit/ },
  { line: "kinit --hep", code: 2, stderr: /^tessera: kinit: unknown option --hep; did you mean --help\?/ },
  { line: "kinit -l", code: 2, stderr: /-l needs a value: TIME/ },
  { line: "kinit -l -R", code: 2, stderr: /-l needs a value: TIME; one that begins with - is given as -l=…/ },
  { line: "kinit --renew=yes", code: 2, stderr: /--renew takes no value/ },
  { line: "kinit -l 1h -l 2h alice", code: 2, stderr: /-l: given twice/ },
  { line: "kvno -- --help", code: 1, stderr: /nobody is logged in/ },
  { line: "kinit alice hunter2", code: 2, stderr: /never taken from the command line/, never: /hunter2/ },
  { line: "kinit hunter2!", code: 2, stderr: /principal: not a principal/, never: /hunter2/ },
  { line: "kinit --password=hunter2 alice", code: 2, stderr: /--password-stdin/, never: /hunter2/ },
  { line: "kinit --pasword hunter2 alice", code: 2, stderr: /never taken/, never: /hunter2/ },
];

describe("the command line", () => {
  it.each(ROWS)("tessera $line ends with $code", async ({ line, code, stdout, stderr, never }) => {
    const outcome = await shell.run(line);
    expect(outcome.code, outcome.stderr).toBe(code);
    expect(outcome.stdout).toMatch(stdout ?? /^$/);
    expect(outcome.stderr).toMatch(stderr ?? /^$/);
    if (never !== undefined) expect(outcome.stdout + outcome.stderr).not.toMatch(never);
    for (const text of outcome.stderr.split("\n")) expect(text).toMatch(/^(tessera: .*|hint: .*|)$/);
  });
});

describe("wrong usage with --json", () => {
  it.each([
    ["kinit --json hunter/2/3/4/5", /^principal: .*a principal/],
    ["kinit --nonsense alice --json", /^unknown option --nonsense/],
    ["kvno -json", /^an argument is missing$/],
    ["kinti --json", /^unknown command: kinti; did you mean `tessera kinit`\?$/],
    [
      "kadmin addpinc x --json",
      /^unknown command: kadmin addpinc; did you mean `tessera kadmin addprinc`\?$/,
    ],
    ["call --json --service a/b --address localhost:1 x.Y/", /^expected package\.Service\/Method/],
  ])("tessera %s prints its error", async (line, text) => {
    const { code, stdout } = await shell.run(line);
    expect([code, JSON.parse(stdout)]).toEqual([
      2,
      { error: { reason: "usage", text: expect.stringMatching(text) } },
    ]);
  });

  it("prints it as text where --json stands after --", async () => {
    expect(await shell.run("kinit -l -- --json")).toMatchObject({ code: 2, stdout: "" });
  });
});

describe("a failure with --json has a reason", () => {
  it.each([
    ["kvno --json v/localhost", "not-logged-in"],
    ["klist --json", "not-logged-in"],
    ["decode --json none.bin", "ENOENT"],
  ])("tessera %s", async (line, reason) => {
    const { code, stdout } = await shell.run(line);
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { error: { reason } }]);
  });
});

describe("every command", () => {
  it.each(COMMANDS.map(({ name }) => name))(
    "%s has help within 110 columns, with options and examples",
    async (name) => {
      // `kadmin --help` lists the group; its own options begin with -f.
      const { code, stdout, stderr } = await shell.run(`${name === "kadmin" ? "kadmin -f" : name} --help`);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(new RegExp(`^usage: tessera ${name}`));
      expect(stdout).toMatch(
        /\noptions:\n[\s\S]*--json +print the result as JSON\n[\s\S]*\nexamples?:\n {2}tessera /,
      );
      for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(110);
    },
  );

  it.each(COMMANDS)("$name is loaded under its own name", async ({ name, load }) => {
    expect((await load()).command.name).toBe(name);
  });
});
