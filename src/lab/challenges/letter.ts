/**
 * A letter: something to read once one has the key, as a blob that `tessera decode` opens. Inside is an
 * answer of V, a note that holds the text.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { GetNoteResponseSchema } from "../../gen/kerberos/v1/operations_pb.js";
import { etypeByName } from "../../protocol/etypes.js";
import { defaultStringToKey, type Key, keyFromPassword } from "../../protocol/keys.js";
import type { Principal } from "../../protocol/principal.js";
import { sealData, TO_CLIENT } from "../../protocol/private-message.js";

/** A letter in base64. */
export function sealLetter(text: string, key: Key): string {
  const answer = toBinary(
    GetNoteResponseSchema,
    create(GetNoteResponseSchema, { note: { name: "letter", text } }),
  );
  const typeUrl = `type.googleapis.com/${GetNoteResponseSchema.typeName}`;
  const any = toBinary(AnySchema, create(AnySchema, { typeUrl, value: answer }));
  return base64Lines(sealData(key, TO_CLIENT, 0, any));
}

/**
 * A letter in base64, under a key made from a password as the user's own is:
 * `tessera decode --principal USER --password-stdin` opens it.
 */
export async function sealLetterFor(user: Principal, password: string, text: string): Promise<string> {
  const etype = etypeByName("aes256")!;
  return sealLetter(text, await keyFromPassword(etype, password, defaultStringToKey(user)));
}

/** Bytes in base64, in lines. */
export function base64Lines(bytes: Uint8Array): string {
  return `${Buffer.from(bytes)
    .toString("base64")
    .replaceAll(/.{76}(?=.)/g, "$&\n")}\n`;
}
