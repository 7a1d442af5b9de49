/** A password guessed from a recorded login, off line. */
import { create, fromBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { AuthenticationServiceClient } from "../../gen/kerberos/v1/authentication_service_grpc.js";
import { AuthenticateRequestSchema } from "../../gen/kerberos/v1/authentication_service_pb.js";
import { type EncryptedData, EncryptedDataSchema } from "../../gen/kerberos/v1/encryption_pb.js";
import { etypeOf, etypeText } from "../../protocol/etypes.js";
import { KeyUsage } from "../../protocol/key-usage.js";
import { keyFromPassword, type StringToKey } from "../../protocol/keys.js";
import { KrbError } from "../../protocol/krb-error.js";
import { encTimestampOf } from "../../protocol/pre-authentication.js";
import { tryOpen } from "../open-part.js";
import type { LabRealm } from "../realm/lab-realm.js";
import { type Attack, everywhere, type Told } from "./attack.js";
import { numbered, signUp } from "./means/accomplice.js";
import { COMMON_PASSWORDS } from "./means/common-passwords.js";
import { listenTo } from "./means/listening.js";

/** The row. */
export const guess: Attack = {
  name: "guess",
  title: "A password guessed from a recorded login",
  topic: "passwords",
  has: "the recorded login of a user with a common password, and a list of words",
  lesson:
    "A login proves the password by a time sealed under the key that is made from it. Whoever records the " +
    "proof can try words on it, at home and unnoticed: make the key, open, see whether it fits. The KDC " +
    "tells anybody how the key is made. No check at a server can stop this, and nothing here does: a " +
    "password from a list is found in every profile. What differs is the price of a word. DES makes a key " +
    "in well under a millisecond; the profile standard takes tens of thousands of iterations of PBKDF2 " +
    "for each, which is hundreds of times as long, on the user's side once and on mallory's for every " +
    "word. A list of a million words takes minutes or days. What helps is a password that is on no list, " +
    "or TLS to the KDC, which hides the proof.",
  expected: everywhere("ALLOWED"),
  async run(realm, told, { words = COMMON_PASSWORDS } = {}) {
    const weak = words[Math.floor((2 * words.length) / 3)];
    if (weak === undefined) throw new RangeError("words: expected at least one");
    const user = await signUp(realm, numbered("bob"), weak);
    const { heard } = await listenTo(realm, user);
    const proof = fromBinary(EncryptedDataSchema, encTimestampOf(heard.login.padata)!);
    told(`${user.principal} logs in; mallory records the proof, under ${etypeText(proof.etype)}`);
    const how = await adviceOf(realm, user.principal, proof.etype);
    told(`she asks the KDC how the key is made: salt ${how.salt}`);
    const { word, tried, perSecond } = await firstThatOpens(proof, how, words, told);
    told(`${tried} words tried, ${perSecond} a second`);
    return {
      verdict: "ALLOWED",
      gained: `the password of ${user.principal} is “${word}”, word ${tried} of ${words.length}`,
    };
  },
};

/** How often the attack says how far it has got, in milliseconds. */
const TELL_MS = 2_000;

/** Tries the words in turn: makes the key of each, and looks whether it opens the proof. */
async function firstThatOpens(
  proof: EncryptedData,
  how: StringToKey,
  words: readonly string[],
  told: Told,
): Promise<{ word: string; tried: number; perSecond: string }> {
  const etype = etypeOf(proof.etype);
  const started = performance.now();
  const rate = (tried: number) => {
    const perSecond = (1000 * tried) / (performance.now() - started);
    return perSecond < 100 ? perSecond.toFixed(1) : perSecond.toFixed(0);
  };
  let toldAt = started;
  for (const [i, word] of words.entries()) {
    const key = await keyFromPassword(etype, word, how);
    if (tryOpen(key, "encTimestamp", KeyUsage.PA_ENC_TIMESTAMP, proof) !== undefined)
      return { word, tried: i + 1, perSecond: rate(i + 1) };
    if (performance.now() - toldAt < TELL_MS) continue;
    toldAt = performance.now();
    told(`${i + 1} of ${words.length} words tried, ${rate(i + 1)} a second`);
  }
  throw new Error("the password is among the words, but no word opened the proof");
}

/** How a principal's key is made from the password, as the KDC tells whoever asks without a proof. */
async function adviceOf(realm: LabRealm, client: string, etype: number): Promise<StringToKey> {
  using as = new AuthenticationServiceClient(realm.kdc.as, grpc.credentials.createInsecure());
  const nonce = new Uint8Array(16);
  const request = create(AuthenticateRequestSchema, { client, nonce, etypes: [etype] });
  const refusal = await as.authenticate(request).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(refusal instanceof KrbError)) throw refusal ?? new Error("the AS answered without a proof");
  const entry = refusal.etypeInfo?.entries.find((offered) => offered.etype === etype);
  if (entry === undefined) throw refusal;
  return { salt: entry.salt, params: entry.s2kparams };
}
