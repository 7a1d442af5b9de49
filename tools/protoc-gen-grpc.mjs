// A buf plugin used beside protoc-gen-es. It generates
//
// * `<file>_grpc.ts` for each file with services: a client class, a server interface and a function that adds
// an implementation to a server, over the run time in src/rpc/; * `file-descriptors_pb.ts`: every file's
// descriptor with its comments, which protoc-gen-es omits, for reflection.
import { toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { createEcmaScriptPlugin, runNodeJs } from "@bufbuild/protoplugin";

/** @typedef {import("@bufbuild/protoplugin").Schema} Schema */
/** @typedef {import("@bufbuild/protoplugin").GeneratedFile} GeneratedFile */
/** @typedef {Schema["files"][number]} DescFile */
/** @typedef {DescFile["services"][number]} DescService */
/** @typedef {DescService["methods"][number]} DescMethod */
/** @typedef {Schema["proto"]["protoFile"][number]} FileDescriptorProto */

// Resolved against the output folder, src/gen.
const CLIENT_RUNTIME = "./../rpc/client-runtime.js";
const SERVER_RUNTIME = "./../rpc/server-runtime.js";

// ServiceClient's own members, which an RPC of the same name would hide.
const CLIENT_MEMBERS = new Set([
  "callUnary",
  "callServerStream",
  "callClientStream",
  "callBidiStream",
  "channel",
  "close",
  "constructor",
]);

runNodeJs(createEcmaScriptPlugin({ name: "protoc-gen-grpc", version: "v1", generateTs }));

/** @param {Schema} schema */
function generateTs(schema) {
  for (const file of schema.files) {
    if (file.services.length === 0) continue;
    const out = schema.generateFile(`${file.name}_grpc.ts`);
    out.preamble(file);
    for (const service of file.services) {
      printClient(out, service);
      printServer(out, service);
      printAdd(out, service);
    }
  }
  printDescriptors(schema);
}

/** @param {GeneratedFile} out @param {DescService} service */
function printClient(out, service) {
  const ServiceClient = out.import("ServiceClient", CLIENT_RUNTIME);
  const CallOptions = out.import("CallOptions", CLIENT_RUNTIME, true);
  out.print(out.jsDoc(service));
  out.print("export class ", service.name, "Client extends ", ServiceClient, " {");
  for (const [index, method] of service.methods.entries()) {
    if (CLIENT_MEMBERS.has(method.localName)) {
      throw new Error(`${method.toString()}: the name ${method.localName} is taken by ServiceClient`);
    }
    const { call, takes, gives } = clientShape(out, method);
    if (index > 0) out.print();
    out.print(out.jsDoc(method, "  "));
    out.print("  ", method.localName, "(");
    out.print("    ", takes.name, ": ", takes.type, ",");
    out.print("    options?: ", CallOptions, ",");
    out.print("  ): ", gives, " {");
    const descriptor = [out.importSchema(service), ".method.", method.localName];
    out.print("    return this.", call, "(", descriptor, ", ", takes.name, ", options);");
    out.print("  }");
  }
  out.print("}");
  out.print();
}

/** @param {GeneratedFile} out @param {DescService} service */
function printServer(out, service) {
  const HandlerContext = out.import("HandlerContext", SERVER_RUNTIME, true);
  out.print(out.jsDoc(service));
  out.print("export interface ", service.name, "Server {");
  for (const [index, method] of service.methods.entries()) {
    const { takes, gives } = serverShape(out, method);
    if (index > 0) out.print();
    out.print(out.jsDoc(method, "  "));
    out.print("  ", method.localName, "(");
    out.print("    ", takes.name, ": ", takes.type, ",");
    out.print("    context: ", HandlerContext, ",");
    out.print("  ): ", gives, ";");
  }
  out.print("}");
  out.print();
}

/** @param {GeneratedFile} out @param {DescService} service */
function printAdd(out, service) {
  const addService = out.import("addService", SERVER_RUNTIME);
  const ServiceOptions = out.import("ServiceOptions", SERVER_RUNTIME, true);
  const ServiceHost = out.import("ServiceHost", SERVER_RUNTIME, true);
  out.print(out.jsDoc(`Adds an implementation of ${service.typeName} to a server.`));
  out.print("export function add", service.name, "(");
  out.print("  server: ", ServiceHost, ",");
  out.print("  implementation: ", service.name, "Server,");
  out.print("  options?: ", ServiceOptions, ",");
  out.print("): void {");
  out.print("  ", addService, "(server, ", out.importSchema(service), ", implementation, options);");
  out.print("}");
  out.print();
}

/** @param {GeneratedFile} out @param {DescMethod} method */
function clientShape(out, method) {
  const request = initShape(out, method.input);
  const response = out.importShape(method.output);
  const requests = ["AsyncIterable<", request, "> | Iterable<", request, ">"];
  switch (method.methodKind) {
    case "unary":
      return {
        call: "callUnary",
        takes: { name: "request", type: request },
        gives: ["Promise<", response, ">"],
      };
    case "server_streaming":
      return {
        call: "callServerStream",
        takes: { name: "request", type: request },
        gives: ["AsyncIterable<", response, ">"],
      };
    case "client_streaming":
      return {
        call: "callClientStream",
        takes: { name: "requests", type: requests },
        gives: ["Promise<", response, ">"],
      };
    case "bidi_streaming":
      return {
        call: "callBidiStream",
        takes: { name: "requests", type: requests },
        gives: ["AsyncIterable<", response, ">"],
      };
  }
}

/** @param {GeneratedFile} out @param {DescMethod} method */
function serverShape(out, method) {
  const request = out.importShape(method.input);
  const response = initShape(out, method.output);
  const streamsIn = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
  const streamsOut = method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming";
  return {
    takes: streamsIn
      ? { name: "requests", type: ["AsyncIterable<", request, ">"] }
      : { name: "request", type: [request] },
    gives: [streamsOut ? "AsyncIterable<" : "Promise<", response, ">"],
  };
}

/** @param {GeneratedFile} out @param {DescMethod["input"]} message */
function initShape(out, message) {
  const MessageInitShape = out.import("MessageInitShape", "@bufbuild/protobuf", true);
  return [MessageInitShape, "<typeof ", out.importSchema(message, true), ">"];
}

/** @param {Schema} schema */
function printDescriptors(schema) {
  const out = schema.generateFile("file-descriptors_pb.ts");
  out.print("// @generated by protoc-gen-grpc v1");
  out.print("/* eslint-disable */");
  out.print();
  const text =
    "Every file's google.protobuf.FileDescriptorProto by file name, with its comments: serialized, then in base64.";
  out.print(out.jsDoc(text));
  out.print("export const fileDescriptors: Readonly<Record<string, string>> = {");
  const files = [...schema.proto.protoFile].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const file of files) {
    const bytes = toBinary(FileDescriptorProtoSchema, /** @type {any} */ (onlyComments(file)));
    out.print("  ", out.string(file.name), ":");
    out.print("    ", out.string(Buffer.from(bytes).toString("base64")), ",");
  }
  out.print("};");
}

/**
 * A file descriptor whose source info keeps the commented places only: the rest is line numbers, and large.
 * @param {FileDescriptorProto} file
 */
function onlyComments(file) {
  if (file.sourceCodeInfo === undefined) return file;
  const location = file.sourceCodeInfo.location.filter(
    (place) => place.leadingComments || place.trailingComments || place.leadingDetachedComments.length > 0,
  );
  return { ...file, sourceCodeInfo: { ...file.sourceCodeInfo, location } };
}
