/** The door for other people's tests. */
export { createTestRealm, type TestRealm, type TestRealmOptions } from "./test-realm.js";
export type { ForgedTicket, TicketChanges, TicketForge } from "./ticket-forge.js";
