import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type DescFile, fromBinary, isFieldSet } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  file_google_protobuf_cpp_features,
} from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { file_google_rpc_error_details } from "../../src/gen/google/rpc/error_details_pb.js";
import { Health } from "../../src/gen/grpc/health/v1/health_pb.js";
import { ServerReflectionClient } from "../../src/gen/grpc/reflection/v1/reflection_grpc.js";
import type { ServerReflectionRequest } from "../../src/gen/grpc/reflection/v1/reflection_pb.js";
import { AuthenticationService } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { file_kerberos_v1_sealed } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { MAX_MESSAGE_BYTES, makeServer } from "../../src/rpc/server-options.js";
import { addReflection } from "../../src/services/reflection.js";
import { listen, TestService } from "../rpc/test-service.js";
import { bufCurl } from "../support/buf.js";
import { GRPCURL, grpcurl } from "../support/grpcurl.js";

const MESSAGE = FieldDescriptorProto_Type.MESSAGE;
const run = promisify(execFile);
const shutdown = new AbortController();
const server = makeServer();
let address: string;
let client: ServerReflectionClient;

const files: DescFile[] = [
  file_kerberos_v1_sealed,
  file_google_rpc_error_details,
  file_google_protobuf_cpp_features,
];

beforeAll(async () => {
  addReflection(server, [AuthenticationService, Health, TestService as never], {
    files,
    shutdown: shutdown.signal,
  });
  address = `127.0.0.1:${await listen(server)}`;
  client = new ServerReflectionClient(address, grpc.credentials.createInsecure(), {
    channelOptions: { "grpc.enable_retries": 0 },
  });
});

afterAll(() => {
  client.close();
  server.forceShutdown();
});

type Question = Exclude<ServerReflectionRequest["messageRequest"], { case: undefined }>;

/** One question and its answer. */
async function ask(question: Question | { case: undefined }) {
  const request = { host: "here", messageRequest: question as Question };
  for await (const response of client.serverReflectionInfo([request])) {
    expect(response.validHost).toBe("here");
    expect(response.originalRequest?.messageRequest.case).toBe(question.case);
    return response.messageResponse;
  }
  throw new Error("no answer");
}

/** The files of an answer. */
async function filesOf(question: Question): Promise<FileDescriptorProto[]> {
  const answer = await ask(question);
  if (answer.case !== "fileDescriptorResponse") throw new Error(JSON.stringify(answer.value));
  return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

test("lists the services, itself included", async () => {
  const answer = await ask({ case: "listServices", value: "" });
  expect(answer.case === "listServicesResponse" && answer.value.service.map(({ name }) => name)).toEqual([
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "kerberos.v1.AuthenticationService",
    "tessera.test.v1.TestService",
  ]);
});

test("gives a file, and with it what it imports", async () => {
  const given = await filesOf({ case: "fileByFilename", value: "tessera/test/v1/test_service.proto" });
  expect(given.map((file) => file.name)).toEqual([
    "tessera/test/v1/test_service.proto",
    "google/protobuf/wrappers.proto",
  ]);
});

test.each([
  ["a service", "kerberos.v1.AuthenticationService", "kerberos/v1/authentication_service.proto"],
  ["a method", "kerberos.v1.AuthenticationService.Authenticate", "kerberos/v1/authentication_service.proto"],
  ["a message", "kerberos.v1.AuthenticateRequest", "kerberos/v1/authentication_service.proto"],
  ["a message of an extra file", "kerberos.v1.EncTicketPart", "kerberos/v1/sealed.proto"],
  ["a leading dot", ".kerberos.v1.EncTicketPart", "kerberos/v1/sealed.proto"],
  ["a field", "kerberos.v1.AuthenticateRequest.nonce", "kerberos/v1/authentication_service.proto"],
  [
    "a oneof",
    "grpc.reflection.v1.ServerReflectionRequest.message_request",
    "grpc/reflection/v1/reflection.proto",
  ],
  ["a nested message", "google.rpc.QuotaFailure.Violation", "google/rpc/error_details.proto"],
  ["a nested enum", "grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc/health/v1/health.proto"],
  ["a nested enum's value", "grpc.health.v1.HealthCheckResponse.SERVING", "grpc/health/v1/health.proto"],
  ["an imported message", "google.protobuf.Timestamp", "google/protobuf/timestamp.proto"],
  ["an extension", "pb.cpp", "google/protobuf/cpp_features.proto"],
  ["a service described at run time", "tessera.test.v1.TestService", "tessera/test/v1/test_service.proto"],
])("finds the file of %s", async (_, value, file) => {
  expect((await filesOf({ case: "fileContainingSymbol", value }))[0]?.name).toBe(file);
});

test("v1alpha has a descriptor of its own, with comments, in which no name is v1's", async () => {
  const name = "grpc.reflection.v1alpha.ServerReflection";
  const [file] = await filesOf({ case: "fileContainingSymbol", value: name });
  expect(file).toMatchObject({
    name: "grpc/reflection/v1alpha/reflection.proto",
    package: "grpc.reflection.v1alpha",
    options: { deprecated: true },
  });
  expect(file?.sourceCodeInfo?.location.length).toBeGreaterThan(10);
  const { service, messageType } = file!;
  const types = [
    ...service.flatMap(({ method }) =>
      method.flatMap(({ inputType, outputType }) => [inputType, outputType]),
    ),
    ...messageType.flatMap(({ field }) => field.map(({ typeName }) => typeName)),
  ].filter((type) => type !== "");
  expect(types).toContain(".grpc.reflection.v1alpha.ServerReflectionRequest");
  expect(types.filter((type) => !type.startsWith(".grpc.reflection.v1alpha."))).toEqual([]);
  const scalars = messageType.flatMap(({ field }) => field.filter(({ type }) => type !== MESSAGE));
  expect(scalars.length).toBeGreaterThan(5);
  for (const field of scalars)
    expect(isFieldSet(field, FieldDescriptorProtoSchema.field.typeName)).toBe(false);
  const [again] = await filesOf({
    case: "fileByFilename",
    value: "grpc/reflection/v1alpha/reflection.proto",
  });
  expect(again).toEqual(file);
  const [v1] = await filesOf({ case: "fileContainingSymbol", value: "grpc.reflection.v1.ServerReflection" });
  expect(v1).toMatchObject({ package: "grpc.reflection.v1", options: { deprecated: false } });
});

test("files bear their comments", async () => {
  const [file] = await filesOf({ case: "fileContainingSymbol", value: "kerberos.v1.AuthenticationService" });
  const comments = file?.sourceCodeInfo?.location.map((place) => place.leadingComments).join("\n");
  expect(comments).toMatch(/The Authentication Server \(AS\)/);
  expect(comments).toMatch(/AS-REQ/);
});

test("finds extensions by number, and their numbers", async () => {
  const containingType = "google.protobuf.FeatureSet";
  const [file] = await filesOf({
    case: "fileContainingExtension",
    value: { $typeName: "grpc.reflection.v1.ExtensionRequest", containingType, extensionNumber: 1000 },
  });
  expect(file?.name).toBe("google/protobuf/cpp_features.proto");
  expect(await ask({ case: "allExtensionNumbersOfType", value: containingType })).toMatchObject({
    value: { baseTypeName: containingType, extensionNumber: [1000] },
  });
  expect(await ask({ case: "allExtensionNumbersOfType", value: "kerberos.v1.EncTicketPart" })).toMatchObject({
    case: "allExtensionNumbersResponse",
    value: { extensionNumber: [] },
  });
});

const nothing: [Question, string][] = [
  [{ case: "fileByFilename", value: "no/such.proto" }, "no such file: no/such.proto"],
  [{ case: "fileByFilename", value: "__proto__" }, "no such file: __proto__"],
  [{ case: "fileContainingSymbol", value: "kerberos.v1.Nothing" }, "no such symbol: kerberos.v1.Nothing"],
  [{ case: "allExtensionNumbersOfType", value: "x.Y" }, "no such message type: x.Y"],
  [
    {
      case: "fileContainingExtension",
      value: {
        $typeName: "grpc.reflection.v1.ExtensionRequest",
        containingType: "kerberos.v1.EncTicketPart",
        extensionNumber: 7,
      },
    },
    "no such extension: kerberos.v1.EncTicketPart 7",
  ],
];

test.each(nothing)("what does not exist is NOT_FOUND: %o", async (question, errorMessage) => {
  expect(await ask(question)).toMatchObject({
    case: "errorResponse",
    value: { errorCode: status.NOT_FOUND, errorMessage },
  });
});

test("a question this server does not know is INVALID_ARGUMENT, and the stream goes on", async () => {
  const questions = [{}, { messageRequest: { case: "listServices" as const, value: "" } }];
  const answers: unknown[] = [];
  for await (const { messageResponse } of client.serverReflectionInfo(questions))
    answers.push(messageResponse);
  expect(answers).toMatchObject([
    { case: "errorResponse", value: { errorCode: status.INVALID_ARGUMENT } },
    { case: "listServicesResponse" },
  ]);
});

test("files that are not this server's stay unknown", async () => {
  const answer = await ask({ case: "fileByFilename", value: "kerberos/v1/application_service.proto" });
  expect(answer).toMatchObject({ case: "errorResponse", value: { errorCode: status.NOT_FOUND } });
});

test("every file can be had, and no reply is larger than a server may send", async () => {
  const names = new Set(["kerberos/v1/authentication_service.proto", "kerberos/v1/sealed.proto"]);
  for (const file of files) names.add(file.proto.name);
  for (const name of names) {
    const answer = await ask({ case: "fileByFilename", value: name });
    if (answer.case !== "fileDescriptorResponse") throw new Error(`${name}: ${JSON.stringify(answer.value)}`);
    const bytes = answer.value.fileDescriptorProto;
    expect(bytes.reduce((sum, file) => sum + file.length, 0)).toBeLessThan(MAX_MESSAGE_BYTES);
    for (const dependency of fromBinary(FileDescriptorProtoSchema, bytes[0]!).dependency)
      names.add(dependency);
  }
});

test("an independent client calls by reflection v1 and v1alpha", async () => {
  const buf = ["node_modules/.bin/buf", "curl", "--http2-prior-knowledge", "--protocol", "grpc"] as const;
  const [command, ...args] = buf;
  const [methods, description] = await Promise.all([
    run(command, [...args, `http://${address}`, "--list-methods"]),
    run(command, [...args, "--reflect-protocol", "grpc-v1alpha", `http://${address}`, "--list-services"]),
  ]);
  expect(methods.stdout).toContain("kerberos.v1.AuthenticationService/Authenticate");
  expect(description.stdout).toContain("kerberos.v1.AuthenticationService");
});

test("v1alpha is called by its own descriptor, and so described", async () => {
  const target = `${address}/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo`;
  const question = '{"host":"here","list_services":""}';
  const { stdout } = await bufCurl(target, "--reflect-protocol", "grpc-v1alpha", "-d", question);
  const answer = JSON.parse(stdout) as Record<string, unknown>;
  expect(answer).toMatchObject({ validHost: "here", originalRequest: { host: "here", listServices: "" } });
  expect(JSON.stringify(answer)).toContain("kerberos.v1.AuthenticationService");
});

test.skipIf(GRPCURL === undefined)("grpcurl lists v1alpha, and calls it", async () => {
  const name = "grpc.reflection.v1alpha.ServerReflection";
  expect((await grpcurl(address, ["list"])).stdout.split("\n")).toContain(name);
  expect((await grpcurl(address, ["describe", name])).stdout).toContain(`service ServerReflection`);
  const { stdout } = await grpcurl(address, [`${name}/ServerReflectionInfo`], ["-d", '{"list_services":""}']);
  expect(stdout).toContain("kerberos.v1.AuthenticationService");
});

test.skipIf(GRPCURL === undefined)("grpcurl describes the contract with its comments", async () => {
  const { stdout } = await grpcurl(address, ["describe", "kerberos.v1.EncTicketPart"]);
  expect(stdout).toMatch(/\/\/ Required\. The session key between client and service\./);
  expect(stdout).toMatch(/\.google\.protobuf\.Timestamp authtime = 5;/);
});

test("shutdown ends open streams with UNAVAILABLE", async () => {
  async function* once() {
    yield { messageRequest: { case: "listServices" as const, value: "" } };
    await new Promise(() => {});
  }
  const responses = client.serverReflectionInfo(once())[Symbol.asyncIterator]();
  expect((await responses.next()).value?.messageResponse.case).toBe("listServicesResponse");
  shutdown.abort();
  await expect(responses.next()).rejects.toMatchObject({ name: "RpcError", code: status.UNAVAILABLE });
});
