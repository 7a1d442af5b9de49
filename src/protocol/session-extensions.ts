/** The extensions of an AP exchange that are about sessions (extension.proto, session.proto). */
import { create } from "@bufbuild/protobuf";
import { encodeCanonical } from "../canonical/encode.js";
import { type Extension, ExtensionSchema, ExtensionType } from "../gen/kerberos/v1/extension_pb.js";
import {
  type RepeatedAttempt,
  RepeatedAttemptSchema,
  SessionGrantSchema,
} from "../gen/kerberos/v1/session_pb.js";
import { MAX_CHALLENGE_BYTES } from "./challenge.js";
import { extensionOf } from "./extensions.js";
import { malformed } from "./krb-error.js";
import { SESSION_ID_SIZE } from "./session-keys.js";
import { decodeBlob } from "./strict-decode.js";

/** The types of extension that a service with sessions understands in an authenticator. */
export const SESSION_EXTENSIONS: readonly number[] = [
  ExtensionType.CHALLENGE,
  ExtensionType.REPEATS,
  ExtensionType.SESSION,
];

/** The attempt that a call repeats: of a session, or by the tag of its authenticator. */
export type Repeated =
  | { readonly session: Uint8Array; readonly number: number }
  | { readonly tag: Uint8Array };

/** What a client says of sessions in an authenticator. */
export interface SessionExtensions {
  /** The guard's challenge; at most 64 bytes. */
  readonly challenge?: Uint8Array | undefined;
  readonly repeats?: Repeated | undefined;
  /** Whether the client asks for a session. */
  readonly asksForSession?: boolean | undefined;
}

/** The size of the tag of an authenticator, in bytes. */
const TAG_SIZE = 16;
const NOTHING: SessionExtensions = {};
const EMPTY = new Uint8Array();

/** The extensions that say so, in their order. */
export function sessionExtensions({ challenge, repeats, asksForSession }: SessionExtensions): Extension[] {
  const extensions: Extension[] = [];
  const add = (type: ExtensionType, critical: boolean, data: Uint8Array) =>
    extensions.push(create(ExtensionSchema, { type, critical, data }));
  if (challenge !== undefined) add(ExtensionType.CHALLENGE, true, challenge);
  if (repeats !== undefined) add(ExtensionType.REPEATS, true, encodeRepeated(repeats));
  if (asksForSession === true) add(ExtensionType.SESSION, false, EMPTY);
  return extensions;
}

/**
 * What an authenticator's extensions say of sessions.
 * @param extensions checked by `checkExtensions`.
 * @throws KrbError KRB_ERR_GENERIC for contents that no client puts in them.
 */
export function readSessionExtensions(extensions: readonly Extension[]): SessionExtensions {
  if (extensions.length === 0) return NOTHING;
  const challenge = extensionOf(extensions, ExtensionType.CHALLENGE);
  if (challenge?.length === 0 || (challenge?.length ?? 0) > MAX_CHALLENGE_BYTES)
    throw malformed("authenticator.challenge", `expected 1 to ${MAX_CHALLENGE_BYTES} bytes`);
  const repeats = extensionOf(extensions, ExtensionType.REPEATS);
  const asks = extensionOf(extensions, ExtensionType.SESSION);
  if (asks !== undefined && asks.length > 0) throw malformed("authenticator.session", "expected no data");
  return {
    challenge,
    repeats: repeats === undefined ? undefined : readRepeated(repeats),
    asksForSession: asks !== undefined,
  };
}

/** A session as it was granted. */
export interface Grant {
  /** The session's identifier: 16 bytes. */
  readonly id: Uint8Array;
  /** How long it lasts, in whole seconds. */
  readonly life: number;
}

/** The extension of EncApRepPart that grants a session. */
export function grantExtension({ id, life }: Grant): Extension {
  const data = encodeCanonical(SessionGrantSchema, create(SessionGrantSchema, { id, life }));
  return create(ExtensionSchema, { type: ExtensionType.SESSION, data });
}

/**
 * The session that EncApRepPart grants; undefined: none.
 * @throws KrbError KRB_ERR_GENERIC for one that no service grants.
 */
export function readGrant(extensions: readonly Extension[]): Grant | undefined {
  const data = extensionOf(extensions, ExtensionType.SESSION);
  if (data === undefined) return undefined;
  const { id, life } = decodeBlob(SessionGrantSchema, data, "ap_rep.session");
  if (id.length !== SESSION_ID_SIZE)
    throw malformed("ap_rep.session.id", `expected ${SESSION_ID_SIZE} bytes`);
  if (life === 0) throw malformed("ap_rep.session.life", "required");
  return { id: id.slice(), life };
}

function encodeRepeated(repeats: Repeated): Uint8Array {
  const fields =
    "tag" in repeats ? { tag: repeats.tag } : { session: repeats.session, number: BigInt(repeats.number) };
  return encodeCanonical(RepeatedAttemptSchema, create(RepeatedAttemptSchema, fields));
}

function readRepeated(data: Uint8Array): Repeated {
  const read: RepeatedAttempt = decodeBlob(RepeatedAttemptSchema, data, "authenticator.repeats");
  const { session, number, tag } = read;
  if (tag.length === TAG_SIZE && session.length === 0 && number === 0n) return { tag };
  const isNumber = number >= 1n && number <= BigInt(Number.MAX_SAFE_INTEGER);
  if (tag.length === 0 && session.length === SESSION_ID_SIZE && isNumber)
    return { session, number: Number(number) };
  throw malformed("authenticator.repeats", "expected a session and a number, or a tag");
}

/** The extension of an EncApRepPart that travels in trailers, of a call that has no initial metadata. */
export const TRAILERS_ONLY: Extension = create(ExtensionSchema, {
  type: ExtensionType.TRAILERS_ONLY,
  critical: true,
});

/** Whether an EncApRepPart with these extensions travels in trailers. */
export function isTrailersOnly(extensions: readonly Extension[]): boolean {
  return extensionOf(extensions, ExtensionType.TRAILERS_ONLY) !== undefined;
}

/** The types of extension that a client with sessions understands in EncApRepPart. */
export const AP_REP_EXTENSIONS: readonly number[] = [ExtensionType.SESSION, ExtensionType.TRAILERS_ONLY];
