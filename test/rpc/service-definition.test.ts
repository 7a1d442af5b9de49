import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import {
  decodeRequest,
  decodeResponse,
  encodeMessage,
  methodPath,
  serviceDefinition,
} from "../../src/rpc/service-definition.js";
import { TestService } from "./test-service.js";

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
