/** The door for other people's tests. */
export { createTestRealm, TestRealm, type TestRealmOptions } from "./test-realm.js";
