/** `tessera kadmin -f FILE`: runs the kadmin commands in a file. */
import { commandWords } from "../batch/command-words.js";
import { openLines } from "../batch/input-lines.js";
import { type CommandSurroundings, defineCommand, UsageError } from "../frame/command.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { Progress } from "../screen/progress.js";
import { withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "kadmin",
  usage: ["-f FILE [--keep-going]", "COMMAND …"],
  description:
    "Runs the commands in a file, each on a line of its own as it is typed after `tessera kadmin`, with " +
    "the database opened once. A # begins a comment; quotes keep a word together. It stops at the first " +
    "command that fails, names its line, and ends with its exit code; what was done before stays done.",
  examples: [
    "tessera kadmin -f services.kadmin",
    "generate-commands | tessera kadmin --keep-going -f -",
    "tessera kadmin --json -f services.kadmin",
  ],
  options: {
    file: { short: "f", value: "FILE", help: "a file of kadmin commands, one a line; - for stdin" },
    "keep-going": { help: "go on after a command that fails; exit code 1 at the end" },
    ...REALM_OPTIONS,
  },
  absent: {
    q: "type the command after kadmin: tessera kadmin getprinc alice",
    p: "it works on the realm's folder on this machine, as whoever may write there",
    k: "it works on the realm's folder on this machine, as whoever may write there",
    t: "it works on the realm's folder on this machine, as whoever may write there",
    w: "it works on the realm's folder on this machine, as whoever may write there",
    s: "it works on the realm's folder on this machine: --dir DIR",
    d: "it works on the realm's folder on this machine: --dir DIR",
    r: "the realm is the folder's: --dir DIR",
  },
  arguments: [0, 0],
  run: async ({ options, json, screen, ...around }) => {
    const { file } = options;
    if (file === undefined) throw new UsageError("which file? -f FILE");
    if (around.openedRealm !== undefined) throw new UsageError("a file of commands runs no other file");
    const input = await openLines(file, around.stdin);
    return withRealm(around, options.dir, async (realm, directory) => {
      const progress = new Progress(screen);
      const counts = { line: 0, done: 0, failed: 0 };
      for await (const text of input.lines) {
        counts.line++;
        const place = screen.at({ file: input.name, line: counts.line });
        const surroundings = {
          ...around,
          // A line that names no folder means the one that the batch works on, whatever the environment says.
          env: { ...around.env, TESSERA_REALM_DIR: directory.dir },
          stdin: noStdin,
          again: undefined,
          screen: place,
          openedRealm: { realm, directory },
        };
        const code = await runLine(text, json, surroundings);
        if (code === undefined) continue;
        counts[code === 0 ? "done" : "failed"]++;
        progress.show(counts.done, input.fractionRead());
        if (code === 0 || options["keep-going"]) continue;
        place.notice(`stopped here; commands done before: ${counts.done}`);
        return code;
      }
      screen.clearStatus();
      if (counts.failed === 0) return undefined;
      screen.notice(`${input.name}: commands done: ${counts.done}, failed: ${counts.failed}`);
      return 1;
    });
  },
});

/** Runs a line; undefined if there is nothing on it. */
async function runLine(
  line: string,
  json: boolean,
  around: CommandSurroundings,
): Promise<number | undefined> {
  let words: string[];
  try {
    words = commandWords(line);
  } catch (error) {
    const text = (error as Error).message;
    if (json) around.screen.printJson({ error: { reason: "usage", text } });
    around.screen.notice(text);
    return 2;
  }
  const [name, ...rest] = words;
  if (name === undefined) return undefined;
  return around.run(["kadmin", name, ...(json ? ["--json"] : []), ...rest], around);
}

function noStdin(): never {
  throw new UsageError(
    "--password-stdin: not in a file of commands; use --password-file, or addprinc --from",
  );
}
