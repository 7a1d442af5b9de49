/** What a stranger with grpcurl or `buf curl` finds on each of the three servers. */
import { fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bufCurl } from "../support/buf.js";
import { GRPCURL, grpcurl } from "../support/grpcurl.js";
import { startRealm, type TestRealm } from "../support/realm.js";

const V1 = "grpc.reflection.v1.ServerReflection";
const V1ALPHA = "grpc.reflection.v1alpha.ServerReflection";

/** Name, service, RPC and the beginning of its comment, for each server. */
const SERVERS = [
  ["AS", "kerberos.v1.AuthenticationService", "Authenticate", "Anyone may call."],
  ["TGS", "kerberos.v1.TicketGrantingService", "GrantTicket", "Anyone who holds a TGT may call."],
  ["V", "kerberos.v1.ApplicationService", "Access", "Anyone who holds a ticket for the service may call"],
] as const;

/** What travels as bytes or in an Any, and so cannot be reached from any RPC's own messages. */
const INNER = [
  "SealedPart",
  "EncTicketPart",
  "Authenticator",
  "EncKdcRepPart",
  "EncApRepPart",
  "EncPrivPart",
  "PaEncTimestamp",
  "Ticket",
  "EncryptedData",
  "EncryptionKey",
  "Checksum",
  "KdcReqBody",
  "EtypeInfo2",
  "AuthorizationData",
].map((name) => `kerberos.v1.${name}`);

let realm: TestRealm;
let addresses: Record<string, string>;

beforeAll(async () => {
  realm = await startRealm();
  addresses = { AS: realm.kdc.as, TGS: realm.kdc.tgs, V: realm.v.address };
});

afterAll(() => realm.close());

/** Asks a server's reflection, through buf, for the files that hold these symbols or names. */
async function filesOf(
  address: string,
  questions: readonly Record<string, string>[],
): Promise<FileDescriptorProto[][]> {
  const input = questions.map((question) => JSON.stringify(question)).join("\n");
  const { stdout, stderr } = await bufCurl(`${address}/${V1}/ServerReflectionInfo`, "-d", input);
  const answers: { fileDescriptorResponse?: { fileDescriptorProto: string[] }; errorResponse?: unknown }[] =
    JSON.parse(`[${stdout.replace(/\}\s*\{/g, "},{")}]`);
  expect(stderr).toBe("");
  return answers.map(({ fileDescriptorResponse, errorResponse }) => {
    expect(errorResponse).toBeUndefined();
    const files = fileDescriptorResponse?.fileDescriptorProto ?? [];
    return files.map((file) => fromBinary(FileDescriptorProtoSchema, Buffer.from(file, "base64")));
  });
}

describe.each(SERVERS)("%s", (name, service, rpc, comment) => {
  test("buf lists its services and methods by reflection v1 and v1alpha", async () => {
    const address = addresses[name]!;
    for (const protocol of ["grpc-v1", "grpc-v1alpha"]) {
      const [services, methods] = await Promise.all([
        bufCurl(address, "--reflect-protocol", protocol, "--list-services"),
        bufCurl(address, "--reflect-protocol", protocol, "--list-methods"),
      ]);
      expect(services.stdout.trim().split("\n")).toEqual(["grpc.health.v1.Health", V1, V1ALPHA, service]);
      expect(methods.stdout.trim().split("\n")).toEqual([
        "grpc.health.v1.Health/Check",
        "grpc.health.v1.Health/List",
        "grpc.health.v1.Health/Watch",
        `${V1}/ServerReflectionInfo`,
        `${V1ALPHA}/ServerReflectionInfo`,
        `${service}/${rpc}`,
      ]);
    }
  });

  test("buf finds the service, and every message that travels sealed", async () => {
    const symbols = [service, `${service}.${rpc}`, ...INNER, "google.rpc.ErrorInfo", "google.rpc.Status"];
    const questions = symbols.map((fileContainingSymbol) => ({ fileContainingSymbol }));
    const files = await filesOf(addresses[name]!, questions);
    expect(files).toHaveLength(symbols.length);
    symbols.forEach((symbol, at) => {
      const [file] = files[at]!;
      const declared = [
        ...file!.messageType.map((message) => message.name),
        ...file!.service.flatMap((found) => [
          found.name,
          ...found.method.map((m) => `${found.name}.${m.name}`),
        ]),
      ].map((declaredName) => `${file!.package}.${declaredName}`);
      expect(declared).toContain(symbol);
    });
  });

  test.skipIf(GRPCURL === undefined)("grpcurl lists and describes it, comments and all", async () => {
    const address = addresses[name]!;
    const described = (symbol: string) => grpcurl(address, ["describe", symbol]).then(({ stdout }) => stdout);
    expect((await grpcurl(address, ["list"])).stdout.trim().split("\n")).toEqual([
      "grpc.health.v1.Health",
      V1,
      V1ALPHA,
      service,
    ]);
    expect((await grpcurl(address, ["list", service])).stdout.trim()).toBe(`${service}.${rpc}`);
    expect(await described(service)).toContain(`rpc ${rpc} ( .kerberos.v1.`);
    expect(await described(`${service}.${rpc}`)).toContain(comment);
    expect(await described(`kerberos.v1.${rpc}Request`)).toContain("// Required.");
    const inner = await Promise.all(INNER.map(described));
    INNER.forEach((symbol, at) => {
      expect(inner[at]).toContain(`${symbol} is a message:\n//`);
    });
    expect(await described("kerberos.v1.EncryptionType")).toMatch(
      /\/\/ DES in CBC mode [^\n]*\n(?: *\/\/[^\n]*\n)* *ENCRYPTION_TYPE_DES_CBC_MD5 = 3;/,
    );
    expect(await described("kerberos.v1.TICKET_FLAG_INVALID")).toMatch(
      /is an enum value:\n\/\/ Must be validated/,
    );
  });
});

describe("comments", () => {
  /** Every kerberos.v1 file that a server serves, by name. */
  async function kerberosFiles(address: string, service: string): Promise<Map<string, FileDescriptorProto>> {
    const found = new Map<string, FileDescriptorProto>();
    const [root] = await filesOf(address, [{ fileContainingSymbol: service }]);
    for (const file of root!) found.set(file.name, file);
    let wanted = ["kerberos/v1/sealed.proto", "kerberos/v1/operations.proto", ...root![0]!.dependency];
    for (;;) {
      wanted = [...new Set(wanted)].filter((name) => name.startsWith("kerberos/v1/") && !found.has(name));
      if (wanted.length === 0) return found;
      const more = await filesOf(
        address,
        wanted.map((fileByFilename) => ({ fileByFilename })),
      );
      for (const [file] of more) found.set(file!.name, file!);
      wanted = more.flatMap(([file]) => file!.dependency);
    }
  }

  /** Everything in a file without a comment before it, by full name. */
  function uncommented(file: FileDescriptorProto): string[] {
    const commented = new Set(
      file.sourceCodeInfo?.location
        .filter(({ leadingComments }) => leadingComments.trim() !== "")
        .map(({ path }) => path.join(".")),
    );
    const named: [path: string, name: string][] = [];
    const messages = file.messageType.map((message, at) => ({
      path: `4.${at}`,
      message,
      name: message.name,
    }));
    for (const { path, message, name } of messages) {
      named.push([path, name]);
      message.field.forEach((field, at) => {
        named.push([`${path}.2.${at}`, `${name}.${field.name}`]);
      });
      message.nestedType.forEach((nested, at) => {
        messages.push({ path: `${path}.3.${at}`, message: nested, name: `${name}.${nested.name}` });
      });
      message.enumType.forEach((nested, at) => {
        named.push([`${path}.4.${at}`, `${name}.${nested.name}`]);
      });
    }
    file.enumType.forEach((type, at) => {
      named.push([`5.${at}`, type.name]);
      type.value.forEach((value, index) => {
        named.push([`5.${at}.2.${index}`, `${type.name}.${value.name}`]);
      });
    });
    file.service.forEach((service, at) => {
      named.push([`6.${at}`, service.name]);
      service.method.forEach((method, index) => {
        named.push([`6.${at}.2.${index}`, `${service.name}.${method.name}`]);
      });
    });
    return named.filter(([path]) => !commented.has(path)).map(([, name]) => name);
  }

  test.each(SERVERS)(
    "every RPC, message, field and enum value that the %s serves has one",
    async (name, service) => {
      const files = await kerberosFiles(addresses[name]!, service);
      expect([...files.keys()]).toContain("kerberos/v1/sealed.proto");
      expect([...files.values()].flatMap(uncommented)).toEqual([]);
    },
  );
});
