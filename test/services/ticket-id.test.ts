/** The names of tickets in the log: from the line of a guarded call to the login that it came from. */
import * as grpc from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { ticketInterceptor } from "../../src/client/index.js";
import { ticketId } from "../../src/services/ticket-id.js";
import { createGuardedService, createTestRealm } from "../../src/testing/index.js";
import { addChat, ChatClient } from "./guard/chat.js";

const SERVICE = "chat/api.example.test";

test("a guarded call's line leads to the TGS's, and that to the login, under a session too", async () => {
  const realm = await createTestRealm({ users: { alice: "secret", bob: "hunter" }, services: [SERVICE] });
  const service = await createGuardedService(realm, SERVICE, (server) => addChat(server, () => {}));
  const clients = await Promise.all(
    (["alice", "bob"] as const).map(
      async (user) =>
        new ChatClient(service.address, grpc.credentials.createInsecure(), {
          interceptors: [ticketInterceptor(await realm.login(user), SERVICE)],
        }),
    ),
  );
  onTestFinished(async () => {
    for (const client of clients) client.close();
    await service.close();
    await realm.close();
  });
  for (const client of clients) for (const text of ["one", "two"]) await client.say(text);
  const lines = service.log.filter(({ result }) => result === "OK");
  expect(lines).toHaveLength(4);
  for (const { ticket, client } of lines) {
    const granted = realm.log.filter((line) => line.exchange === "TGS" && line.ticket === ticket);
    expect(granted.map((line) => line.client)).toEqual([client]);
    const logins = realm.log.filter((line) => line.exchange === "AS" && line.tgt === granted[0]!.tgt);
    expect(logins.map((line) => line.client)).toEqual([client]);
  }
});

test("a name is the beginning of the SHA-256 of the ticket's bytes", () => {
  // FIPS 180-4's example, "abc": ba7816bf 8f01cfea 41….
  expect(ticketId(Buffer.from("abc"))).toBe(Buffer.from("ba7816bf8f01cfea41", "hex").toString("base64url"));
});
