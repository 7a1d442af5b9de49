/** What the figure of cut-and-paste says of tickets under DES_ECB. */
import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { TicketSchema } from "../../../src/gen/kerberos/v1/sealed_pb.js";
import { type LabRealm, type LabUser, startLabRealm } from "../../../src/lab/realm/lab-realm.js";
import { KeyUsage } from "../../../src/protocol/key-usage.js";

async function ticketOf(realm: LabRealm, { principal, password }: LabUser) {
  const client = realm.client();
  await client.login(principal, password);
  const { ticket, key } = await client.serviceTicket(realm.service);
  const { cipher } = fromBinary(TicketSchema, ticket).encPart!;
  const plaintext = realm.keys.service.key.cipher.decrypt(KeyUsage.TICKET, cipher);
  const block = (bytes: Uint8Array, i: number) => Buffer.from(bytes.subarray(8 * i, 8 * i + 8));
  return {
    key: Buffer.from(key.exportBytes()),
    sealed: (i: number) => block(cipher, i).toString("hex"),
    plain: (i: number) => block(plaintext, i).toString("latin1"),
  };
}

test("the tickets of alice and alvin differ where the figure says, and nowhere else in the first six blocks", async () => {
  await using realm = await startLabRealm({
    scene: "textbook-ecb",
    now: Date.UTC(2030, 0, 1, 12, 0, 0, 500),
  });
  const alice = await ticketOf(realm, realm.users.alice);
  const alvin = await ticketOf(realm, await realm.addUser("alvin"));
  expect([0, 1, 2, 3, 4, 5].map((i) => alice.sealed(i) === alvin.sealed(i))).toEqual([
    true,
    true,
    false,
    false,
    false,
    true,
  ]);
  expect(alvin.plain(2)).toBe(`\xff\x01\x12\x08${alvin.key.toString("latin1", 0, 4)}`);
  expect(alvin.plain(3)).toBe(`${alvin.key.toString("latin1", 4)}\x1a\x12al`);
  expect([alvin.plain(4), alice.plain(4), alice.plain(5)]).toEqual(["vin@EXAM", "ice@EXAM", "PLE.TEST"]);
});
