/** The challenges of files, solved by the steps that a learner takes. */
import { afterAll, expect, test } from "vitest";
import {
  type AuthenticateRequest,
  AuthenticateRequestSchema,
  defaultStringToKey,
  EncryptedDataSchema,
  etypeOf,
  fromBinary,
  KeyUsage,
  keyFromPassword,
  open,
  parsePrincipal,
} from "../../../src/lab/challenges/bench.js";
import { equalBlocks } from "../../../src/lab/challenges/equal-blocks.js";
import { etypeDowngrade } from "../../../src/lab/challenges/etype-downgrade.js";
import { guessPassword } from "../../../src/lab/challenges/guess-password.js";
import { stolenCache } from "../../../src/lab/challenges/stolen-cache.js";
import { whoseTicket } from "../../../src/lab/challenges/whose-ticket.js";
import { whyNoLogin } from "../../../src/lab/challenges/why-no-login.js";
import { startLabRealm } from "../../../src/lab/realm/lab-realm.js";
import { etypeByName } from "../../../src/protocol/etypes.js";
import { randomKey } from "../../../src/protocol/keys.js";
import { InProcess } from "../../cli/in-process.js";
import { Desk, flagIn } from "./desk.js";

const shell = new InProcess();
afterAll(() => shell.remove());

/** What `tessera decode` shows. */
async function decoded(words: readonly string[], stdin = ""): Promise<string> {
  const { code, stdout, stderr } = await shell.runWords(["decode", ...words], stdin);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** The password of a user, of those in a list: the one whose key opens the proof of a login. */
async function guessed(login: AuthenticateRequest, words: readonly string[]): Promise<string> {
  const proof = fromBinary(EncryptedDataSchema, login.padata[0]!.value);
  const s2k = defaultStringToKey(parsePrincipal(login.client, "client"));
  for (const word of words) {
    const key = await keyFromPassword(etypeOf(proof.etype), word, s2k);
    if (open(key, KeyUsage.PA_ENC_TIMESTAMP, "encTimestamp", proof) !== undefined) return word;
  }
  throw new Error("not in the list");
}

function loginIn(desk: Desk, name: string): AuthenticateRequest {
  return fromBinary(AuthenticateRequestSchema, desk.base64(name));
}

test("whose-ticket: the keytab opens it, and the client's name holds the flag", async () => {
  await using desk = await Desk.with(whoseTicket);
  const shown = await decoded(["--keytab", desk.path("v.keytab"), desk.path("ticket.b64")]);
  expect(shown).toMatch(/client +carol\/tessera-/);
  expect(await desk.handIn(flagIn(shown))).toMatchObject({ verdict: "right", points: 10 });
});

test("why-no-login: the proof opens, and its time is not the AS's", async () => {
  await using desk = await Desk.with(whyNoLogin);
  const words = ["--principal", "alice@EXAMPLE.TEST", "--password-file", desk.path("alice.password")];
  const shown = await decoded([...words, desk.path("as-req.b64")]);
  const sent = Date.parse(/patimestamp +(\S+)/.exec(shown)![1]!);
  const arrived = Date.parse((JSON.parse(desk.text("as.log")) as { time: string }).time);
  const seconds = Math.floor((arrived - sent) / 1000);
  const opening = ["--principal", "answer@EXAMPLE.TEST", "--password-stdin", desk.path("letter.b64")];
  const flag = flagIn(await decoded(opening, `${seconds}\n`));
  expect(await desk.handIn(flag)).toMatchObject({ verdict: "right", points: 10 });
});

/** A text under ECB, read by the dictionary that a known text makes. */
function byDictionary(known: string, knownCipher: Uint8Array, cipher: Uint8Array): string {
  const blocks = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex").match(/.{16}/g)!;
  const book = new Map(blocks(knownCipher).map((block, i) => [block, known[i] ?? ""]));
  return blocks(cipher)
    .map((block) => book.get(block) ?? "?")
    .join("");
}

test("equal-blocks: the known line is a dictionary of the secret one", async () => {
  await using desk = await Desk.with(equalBlocks);
  const cipherOf = (name: string) => fromBinary(EncryptedDataSchema, desk.base64(name)).cipher;
  const text = byDictionary(desk.text("known.txt").trimEnd(), cipherOf("known.b64"), cipherOf("secret.b64"));
  expect(await desk.handIn(flagIn(text))).toMatchObject({ verdict: "right", points: 20 });
});

test.each(["des-cbc-md5", "aes256"])("equal-blocks under %s: no block comes twice", (name) => {
  const key = randomKey(etypeByName(name)!);
  const seal = (text: string) => key.cipher.encrypt(KeyUsage.REQUEST_DATA, Buffer.from(text));
  const known = "key: a\r\n".repeat(8);
  expect(byDictionary("aaaaaaaa", seal(known), seal(known))).toMatch(/^\?+$/);
});

test("stolen-cache: its session key opens the subkey, and that the recorded answer", async () => {
  await using desk = await Desk.with(stolenCache);
  const cache = await decoded(["--show-keys", desk.path("alice.ccache")]);
  // The last credential is the one for V.
  const session = /([0-9a-f]{16}) +key: 8 bytes/.exec(cache.slice(cache.lastIndexOf("component: v")))![1];
  const response = desk.path("access-response.b64");
  const opened = await decoded(["--show-keys", "--key", `des-cbc-md5:${session}`, response]);
  const subkey = /subkey\.key +([0-9a-f]{16})\n/.exec(opened)![1];
  const shown = await decoded(["--key", `des-cbc-md5:${subkey}`, response]);
  expect(await desk.handIn(flagIn(shown))).toMatchObject({ verdict: "right", points: 20 });
});

test("guess-password: one word of the list opens the proof, and then the letter", async () => {
  await using desk = await Desk.with(guessPassword);
  const words = desk.text("words.txt").trimEnd().split("\n");
  const password = await guessed(loginIn(desk, "as-req.b64"), words);
  const opening = ["--principal", "bob@EXAMPLE.TEST", "--password-stdin", desk.path("letter.b64")];
  const flag = flagIn(await decoded(opening, `${password}\n`));
  expect(await desk.handIn(flag)).toMatchObject({ verdict: "right", points: 20 });
});

test("etype-downgrade: the login that was talked down to DES is the one to guess at", async () => {
  await using desk = await Desk.with(etypeDowngrade);
  const logins = [1, 2, 3, 4, 5].map((day) => loginIn(desk, `as-req-${day}.b64`));
  const weak = logins.filter(({ etypes }) => !etypes.includes(etypeByName("aes256")!.etype));
  expect(weak).toHaveLength(1);
  const password = await guessed(weak[0]!, desk.text("words.txt").trimEnd().split("\n"));
  const opening = ["--principal", "carol@EXAMPLE.TEST", "--password-stdin", desk.path("letter.b64")];
  const flag = flagIn(await decoded(opening, `${password}\n`));
  expect(await desk.handIn(flag)).toMatchObject({ verdict: "right", points: 30 });
});

test("etype-downgrade in standard: neither side goes below AES", async () => {
  await using realm = await startLabRealm({ scene: "standard" });
  const des = etypeByName("des-cbc-md5")!.etype;
  const talkedDown = realm.client({ etypes: { permitted: [des], first: des } });
  const { alice } = realm.users;
  const login = talkedDown.login(alice.principal, alice.password);
  await expect(login).rejects.toMatchObject({ reason: "KDC_ERR_ETYPE_NOSUPP" });
});
