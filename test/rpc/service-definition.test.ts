import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import {
  decodeRequest,
  decodeResponse,
  encodeMessage,
  methodPath,
  serviceDefinition,
} from "../../src/rpc/service-definition.js";
import { TestService } from "./test-service.js";

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

test("a definition has each method's path and the directions it streams in", () => {
  const definition = serviceDefinition(TestService);
  const shape = Object.entries(definition).map(([name, method]) => {
    return [name, method.path, method.requestStream, method.responseStream];
  });
  expect(shape).toEqual([
    ["say", "/tessera.test.v1.TestService/Say", false, false],
    ["count", "/tessera.test.v1.TestService/Count", false, true],
    ["sum", "/tessera.test.v1.TestService/Sum", true, false],
    ["echo", "/tessera.test.v1.TestService/Echo", true, true],
  ]);
});

test("a service may go by another name", () => {
  expect(serviceDefinition(TestService, "other.v1.Name").say?.path).toBe("/other.v1.Name/Say");
  expect(methodPath(TestService.method.echo)).toBe("/tessera.test.v1.TestService/Echo");
});

test("the codecs of all directions leave the bytes alone", () => {
  const bytes = Buffer.from([1, 2, 3]);
  for (const method of Object.values(serviceDefinition(TestService))) {
    const { requestSerialize, requestDeserialize, responseSerialize, responseDeserialize } = method;
    for (const codec of [requestSerialize, requestDeserialize, responseSerialize, responseDeserialize]) {
      expect(codec(bytes)).toBe(bytes);
    }
  }
});

test("malformed bytes are the client's fault in a request, the server's in a response", () => {
  expect(encodeMessage(StringValueSchema, { value: "A" })).toEqual(Buffer.from([0x0a, 1, 0x41]));
  expect(decodeRequest(StringValueSchema, Buffer.from([0x0a, 1, 0x41])).value).toBe("A");
  for (const malformed of [[0x0a], [0x0a, 5, 0x41], [0x0a, 1, 0xff], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]]) {
    expect(() => decodeRequest(StringValueSchema, Buffer.from(malformed))).toThrow(
      expect.objectContaining({ name: "KrbError", reason: "KRB_ERR_GENERIC" }),
    );
    expect(() => decodeResponse(StringValueSchema, Buffer.from(malformed))).toThrow(
      expect.objectContaining({ name: "RpcError", code: status.INTERNAL }),
    );
  }
});

describe("a message is the same as protobuf-es makes it", () => {
  const encoded = toBinary(
    KdcReqBodySchema,
    create(KdcReqBodySchema, { server: "v@R", nonce: new Uint8Array(16) }),
  );
  const rows = [
    { what: "in canonical form", bytes: encoded },
    { what: "with a field twice", bytes: Buffer.concat([encoded, encoded]) },
    { what: "with a field it does not know", bytes: Buffer.concat([encoded, Buffer.of(0xf8, 0x01, 5)]) },
    { what: "with a default value", bytes: Buffer.of(0x0a, 0) },
    { what: "with fields out of order", bytes: Buffer.concat([encoded, Buffer.of(0x0a, 1, 0x61)]) },
  ];
  test.each(rows)("$what", ({ bytes }) => {
    const expected = fromBinary(KdcReqBodySchema, bytes);
    const message = decodeRequest(KdcReqBodySchema, bytes);
    expect(message).toStrictEqual(expected);
    expect(decodeResponse(KdcReqBodySchema, bytes)).toStrictEqual(expected);
    // What it does not know goes on with it.
    expect(encodeMessage(KdcReqBodySchema, message)).toEqual(
      Buffer.from(toBinary(KdcReqBodySchema, expected)),
    );
  });

  test("of a kind that canonical form does not know", () => {
    const info = create(ErrorInfoSchema, { reason: "R", metadata: { a: "b" } });
    const bytes = toBinary(ErrorInfoSchema, info);
    expect(encodeMessage(ErrorInfoSchema, info)).toEqual(Buffer.from(bytes));
    expect(decodeRequest(ErrorInfoSchema, bytes)).toStrictEqual(info);
  });

  test("with contents that its fields can't hold", () => {
    for (const wrong of [{ kvno: -1 }, { cipher: "text" as never }]) {
      const message = create(EncryptedDataSchema, wrong);
      // What protobuf-es says of it, word for word.
      const refusal = thrownBy(() => toBinary(EncryptedDataSchema, message));
      expect(refusal).toBeInstanceOf(Error);
      expect(thrownBy(() => encodeMessage(EncryptedDataSchema, message))).toEqual(refusal);
    }
    const text = create(StringValueSchema, { value: 5 as never });
    expect(encodeMessage(StringValueSchema, text)).toEqual(Buffer.from(toBinary(StringValueSchema, text)));
    const half = create(StringValueSchema, { value: "a\uD800" });
    expect(encodeMessage(StringValueSchema, half)).toEqual(Buffer.from(toBinary(StringValueSchema, half)));
  });
});
