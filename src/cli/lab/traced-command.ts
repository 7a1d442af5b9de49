/**
 * `tessera trace -- COMMAND …` and `tessera trace --from FILE`: what a command or a program did on the wire, from the
 * events of its trace, opened with whatever keys are at hand.
 */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileCache } from "../../client/file-credential-cache.js";
import { visible } from "../../errors/visible-text.js";
import { readPrivateFile } from "../../files/private-file.js";
import { systemErrorText } from "../../files/system-error.js";
import { atTheEnd } from "../../lab/at-the-end.js";
import { type Blob, identify, readBlob } from "../../lab/blob.js";
import { clientKey } from "../../lab/client-key.js";
import { explainCall } from "../../lab/explain.js";
import { clientOf, type FoundKeys, giveSessionKey, namedKeys, ringsOf } from "../../lab/found-keys.js";
import type { NamedKey } from "../../lab/open-part.js";
import { makeTemporaryFolder } from "../../lab/realm/temporary-folder.js";
import { readTrace, type TracedCall, tracedCalls } from "../../lab/traced-calls.js";
import { parsePrincipal } from "../../protocol/principal.js";
import { blobJson, blobLines } from "../dialogue/decode.js";
import { messageLines, printableMessage } from "../dialogue/render.js";
import { CommandError, type CommandSurroundings } from "../frame/command.js";
import { cachePath } from "../frame/environment.js";
import { type PasswordChoice, readPassword } from "../options/password.js";
import { counted } from "../screen/counted.js";
import { readKeytab } from "../session/keytab.js";
import { writeTracePage } from "./trace-page.js";

/** How a trace is shown, and with which keys. */
export interface TracedChoice extends PasswordChoice {
  readonly cache: string | undefined;
  readonly keytab: string | undefined;
  readonly page: string | undefined;
  readonly full: boolean;
  readonly "show-keys": boolean;
  readonly json: boolean;
}

/** Runs a command or a program, and shows what it did. Gives its exit code. */
export async function traceCommand(
  words: readonly string[],
  choice: TracedChoice,
  around: CommandSurroundings,
): Promise<number> {
  const folder = await makeTemporaryFolder();
  try {
    const file = join(folder.path, "trace");
    const { stderr } = around.screen;
    // With --json, stdout is for the trace alone.
    const screen = choice.json ? around.screen.over(stderr, stderr) : around.screen;
    const env = { ...around.env, TESSERA_TRACE: `json:${file}` };
    const code = await runWords(words, { ...around, env, screen });
    await show(readTrace(await textOf(file), "the trace"), words.join(" "), choice, around);
    return code;
  } finally {
    folder.remove();
  }
}

/** Shows a trace that was made with `TESSERA_TRACE=json:FILE`. Throws PrivateFileError; ReadableError. */
export async function showTraceFile(
  path: string,
  choice: TracedChoice,
  around: CommandSurroundings,
): Promise<void> {
  const text = Buffer.from(await readPrivateFile(path)).toString();
  await show(readTrace(text, path), path, choice, around);
}

/** What was written; nothing if no call was made. */
async function textOf(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
}

/** Whether a word is the first of a command. */
export function isCommand(word: string | undefined, { commands }: CommandSurroundings): boolean {
  return commands.some(({ name }) => name.split(" ")[0] === word);
}

function runWords(words: readonly string[], around: CommandSurroundings): Promise<number> {
  const [first = "", ...rest] = words;
  if (first === "tessera") return around.run(rest, around);
  return isCommand(first, around) ? around.run(words, around) : runProgram(first, rest, around);
}

async function runProgram(
  program: string,
  words: readonly string[],
  around: CommandSurroundings,
): Promise<number> {
  const stdout = around.screen.stdout === around.screen.stderr ? 2 : "inherit";
  const child = spawn(program, words, { stdio: ["inherit", stdout, "inherit"], env: around.env });
  const takeBack = atTheEnd(() => void child.kill());
  return new Promise<number>((resolve, reject) => {
    child.once("error", (error) =>
      reject(
        new CommandError(`${program}: neither a command of tessera nor a program: ${systemErrorText(error)}`),
      ),
    );
    child.once("close", (code) => resolve(code ?? 1));
  }).finally(takeBack);
}

async function show(
  events: ReturnType<typeof readTrace>,
  title: string,
  choice: TracedChoice,
  around: CommandSurroundings,
): Promise<void> {
  const { screen } = around;
  const calls = tracedCalls(events);
  if (calls.length === 0) screen.notice("no call was made");
  const keys = await keysAtHand(calls, choice, around);
  const named = namedKeys(keys);
  const rings = ringsOf(keys, calls);
  for (const call of calls) {
    giveSessionKey(rings, keys, call);
    const messages = explainCall(call, rings, { showKeys: choice["show-keys"] }).map((message) =>
      printableMessage(message, choice.full),
    );
    const proofs = provenBy(call);
    if (choice.json) {
      const { path, outcome, sent, received } = call;
      const at = new Date(call.sentAt).toISOString();
      const opened = proofs.map(({ header, blob }) => ({ header, ...contentsOf(blob, named, choice, true) }));
      screen.printJsonLine({ path, at, outcome, sent, received, messages, proofs: opened });
      continue;
    }
    for (const message of messages)
      screen.printStyled(messageLines(message, { colour: screen.hasColour, full: choice.full }));
    if (messages.length === 0) screen.printAll(callLines(call, proofs, named, choice));
    else if (call.refusal !== undefined)
      screen.printAll([`    refused: ${visible(call.refusal.message)}`, ""]);
  }
  if (choice.page === undefined) return;
  const fresh = ringsOf(keys, calls);
  for (const call of calls) giveSessionKey(fresh, keys, call);
  await writeTracePage(calls, fresh, { path: choice.page, title, showKeys: choice["show-keys"] }, screen);
}

async function keysAtHand(
  calls: readonly TracedCall[],
  choice: TracedChoice,
  { env, screen, stdin }: CommandSurroundings,
): Promise<FoundKeys> {
  const cache = fileCache(cachePath(env, choice.cache));
  // A cache that can't be read opens nothing.
  const login = await cache.load().catch(() => undefined);
  const keytab = choice.keytab === undefined ? [] : await readKeytab(choice.keytab, screen);
  const client = clientOf(calls);
  const hasPassword = choice["password-file"] !== undefined || choice["password-stdin"];
  if (client === undefined || !hasPassword) return { login, keytab, client: undefined };
  const principal = parsePrincipal(client, "client");
  const key = await clientKey(principal, await readPassword(choice, principal, stdin), calls);
  return { login, keytab, client: key };
}

interface Proof {
  readonly header: string;
  readonly blob: Blob | undefined;
}

/** What proves a guarded call, read. */
function provenBy({ proofs }: TracedCall): Proof[] {
  return proofs.map(({ header, hex }) => ({
    header,
    blob: identify(Buffer.from(`${header}: ${Buffer.from(hex, "hex").toString("base64")}`)),
  }));
}

function callLines(
  { path, sent, received, outcome }: TracedCall,
  proofs: readonly Proof[],
  keys: readonly NamedKey[],
  choice: TracedChoice,
): string[] {
  const sizes = `${counted(sent, "byte")} sent, ${counted(received, "byte")} received`;
  return [
    `${visible(path)}: ${visible(outcome ?? "the trace ends before it does")}; ${sizes}`,
    ...proofs.flatMap(({ header, blob }) => [
      `  ${visible(header)}`,
      ...(contentsOf(blob, keys, choice, false) as string[]).map((line) => `  ${line}`),
    ]),
    "",
  ];
}

function contentsOf(blob: Blob | undefined, keys: readonly NamedKey[], choice: TracedChoice, json: boolean) {
  if (blob === undefined) return json ? {} : ["not what this header holds"];
  const showKeys = choice["show-keys"];
  const style = { full: choice.full, showKeys, bytes: false, explain: false };
  const contents = readBlob(blob, keys, { showKeys });
  return json ? blobJson(blob, contents, style) : blobLines(blob, contents, style);
}
