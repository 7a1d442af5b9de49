import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { KrbError } from "../../src/protocol/krb-error.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import type { KeyValueStore } from "../../src/store/key-value-store.js";
import { openLmdbStore } from "../../src/store/lmdb/store.js";
import { openMemoryStore } from "../../src/store/memory-store.js";
import { NotesStore } from "../../src/store/notes-store.js";

const root = mkdtempSync(join(tmpdir(), "tessera-notes-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

const ALICE = parsePrincipal("alice@EXAMPLE.TEST", "test");
const ALICE_ADMIN = parsePrincipal("alice/admin@EXAMPLE.TEST", "test");
const ALICE_ELSEWHERE = parsePrincipal("alice@EXAMPLE.TEST.ORG", "test");
const reason = (outcome: Promise<unknown>) =>
  outcome.then(
    () => "done",
    (error: unknown) => (error instanceof KrbError ? error.reason : error),
  );

function notesStoreSuite(name: string, open: () => Promise<KeyValueStore>) {
  describe(`${name}: a notes store`, () => {
    it("keeps, lists by name, overwrites and deletes the owner's notes", async () => {
      const notes = new NotesStore(await open());
      await notes.put(ALICE, "b", "two", 2);
      await notes.put(ALICE, "a", "one", 1);
      await notes.put(ALICE, "a", "one, again", 3);
      expect(await notes.get(ALICE, "a")).toEqual({ name: "a", text: "one, again", modified: 3 });
      expect(await notes.get(ALICE, "c")).toBeUndefined();
      expect((await notes.list(ALICE)).map(({ name, modified }) => [name, modified])).toEqual([
        ["a", 3],
        ["b", 2],
      ]);
      expect(await notes.delete(ALICE, "a")).toBe(true);
      expect(await notes.delete(ALICE, "a")).toBe(false);
      expect(await notes.list(ALICE)).toHaveLength(1);
      await notes.close();
    });

    it("shows nobody another's notes, whatever prefix the names share", async () => {
      const notes = new NotesStore(await open());
      for (const owner of [ALICE, ALICE_ADMIN, ALICE_ELSEWHERE]) await notes.put(owner, "mine", owner, 1);
      for (const owner of [ALICE, ALICE_ADMIN, ALICE_ELSEWHERE])
        expect(await notes.list(owner)).toEqual([{ name: "mine", text: owner, modified: 1 }]);
      await notes.delete(ALICE, "mine");
      expect(await notes.get(ALICE_ELSEWHERE, "mine")).toBeDefined();
      await notes.close();
    });

    it("refuses names and texts beyond the limits, each with its code", async () => {
      const notes = new NotesStore(await open());
      for (const bad of ["", "a b", "a/b", "a\0b", "é", "../x\n"]) {
        expect(await reason(notes.put(ALICE, bad, "", 1))).toBe("KRB_ERR_GENERIC");
        expect(await reason(notes.get(ALICE, bad))).toBe("KRB_ERR_GENERIC");
        expect(await reason(notes.delete(ALICE, bad))).toBe("KRB_ERR_GENERIC");
      }
      expect(await reason(notes.put(ALICE, "a".repeat(129), "", 1))).toBe("KRB_ERR_FIELD_TOOLONG");
      expect(await reason(notes.put(ALICE, "a".repeat(128), "", 1))).toBe("done");
      expect(await reason(notes.put(ALICE, "..__proto__", "", 1))).toBe("done");
      expect(await reason(notes.put(ALICE, "n", "é".repeat(2048), 1))).toBe("done");
      expect(await reason(notes.put(ALICE, "n", `${"é".repeat(2048)}a`, 1))).toBe("KRB_ERR_FIELD_TOOLONG");
      expect(await reason(notes.put(ALICE, "n", "\uD800", 1))).toBe("KRB_ERR_GENERIC");
      expect((await notes.get(ALICE, "n"))?.text).toBe("é".repeat(2048));
      await notes.close();
    });

    it("holds 64 notes per owner, even when 100 are written at once", async () => {
      const notes = new NotesStore(await open());
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, i) => reason(notes.put(ALICE, `n${i}`, "", i))),
      );
      expect(outcomes.filter((text) => text === "done")).toHaveLength(64);
      expect(outcomes.filter((text) => text === "KDC_ERR_POLICY")).toHaveLength(36);
      expect(await reason(notes.put(ALICE, "n0", "an old one may change", 1))).toBe("done");
      expect(await reason(notes.put(ALICE_ADMIN, "n0", "another owner", 1))).toBe("done");
      await notes.delete(ALICE, "n0");
      expect(await reason(notes.put(ALICE, "x", "", 1))).toBe("done");
      await notes.close();
    });
  });
}

notesStoreSuite("memory:", async () => openMemoryStore());
notesStoreSuite("lmdb:", () => openLmdbStore(join(root, `kv${count++}`)));

it("a damaged note is named", async () => {
  const records = openMemoryStore();
  await records.update(`note:${ALICE}\0n`, () => Uint8Array.of(10, 200));
  const notes = new NotesStore(records);
  await expect(notes.get(ALICE, "n")).rejects.toMatchObject({ name: "StoreError", code: "corrupt" });
});
