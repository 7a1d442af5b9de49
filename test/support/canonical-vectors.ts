/**
 * Makes the vectors of canonical form: encodings of one message each, of which a reader accepts the first
 * alone.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { hex } from "./recorded-random.js";

const BODY = toBinary(
  KdcReqBodySchema,
  create(KdcReqBodySchema, {
    server: "v/localhost@EXAMPLE.TEST",
    from: {},
    nonce: Uint8Array.from({ length: 16 }, (_, i) => i),
    etypes: [20, -1],
  }),
);
const DATA = toBinary(
  EncryptedDataSchema,
  create(EncryptedDataSchema, { etype: 20, kvno: 300, cipher: Uint8Array.of(7) }),
);

/** A vector: whether these bytes are that message in canonical form. */
export interface CanonicalVector {
  readonly message: "KdcReqBody" | "EncryptedData";
  readonly what: string;
  readonly canonical: boolean;
  readonly bytes: string;
}

/** The vectors. */
export function makeCanonicalVectors(): CanonicalVector[] {
  const row = (message: CanonicalVector["message"], what: string, bytes: string, canonical = false) => ({
    message,
    what,
    canonical,
    bytes,
  });
  const body = hex(BODY);
  const data = hex(DATA);
  const [server, from, nonce, etypes] = [body.slice(0, 52), "1200", body.slice(56, 92), body.slice(92)];
  return [
    row(
      "KdcReqBody",
      "as an encoder writes it: an empty message is there, a negative enum has ten bytes",
      body,
      true,
    ),
    row("KdcReqBody", "fields out of order", server + nonce + from + etypes),
    row("KdcReqBody", "a field twice", server + server + from + nonce + etypes),
    row("KdcReqBody", "an unknown field at the end", `${body}a01f01`),
    row("KdcReqBody", "an unknown field in a message within", `${server}12021801${nonce}${etypes}`),
    row("KdcReqBody", "an empty list written out", `${server + from + nonce}3a00`),
    row(
      "KdcReqBody",
      "a list of numbers that is not packed",
      `${server + from + nonce}381438ffffffffffffffffff01`,
    ),
    row("KdcReqBody", "a negative enum in five bytes", `${server + from + nonce}3a0614ffffffff0f`),
    row("KdcReqBody", "text that is not UTF-8", `0a02c328${from}${nonce}${etypes}`),
    row("EncryptedData", "as an encoder writes it", data, true),
    row("EncryptedData", "a default value written out", "081410001a0107"),
    row("EncryptedData", "a varint longer than it has to be", "081410ac82001a0107"),
    row("EncryptedData", "a varint beyond its type", "081410ac82808080011a0107"),
    row("EncryptedData", "a field cut short", data.slice(0, -2)),
    row("EncryptedData", "a byte more", `${data}00`),
    row("EncryptedData", "a group", `${data}2324`),
  ];
}
