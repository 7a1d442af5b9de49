import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LockedFile, withLockedFile } from "../../src/files/locked-file.js";
import { requireOwn } from "../../src/files/privacy.js";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "locked-"));
  path = join(dir, "f");
  writeFileSync(path, "one", { mode: 0o600 });
});
afterEach(() => rmSync(dir, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const append = (text: string) =>
  withLockedFile(path, async (file) => {
    const { length } = await file.read();
    await file.write([{ offset: length, bytes: bytes(text) }]);
  });

describe("a locked file", () => {
  it("is changed at places of it, cut off, and read", async () => {
    await append(" two");
    await withLockedFile(path, async (file) => {
      expect(Buffer.from(await file.read()).toString()).toBe("one two");
      await file.write([
        { offset: 0, bytes: bytes("ONE") },
        { offset: 9, bytes: bytes("x") },
      ]);
    });
    expect(readFileSync(path, "latin1")).toBe("ONE two\0\0x");
    const { ino } = statSync(path);
    await withLockedFile(path, (file) => file.truncate(3));
    expect([readFileSync(path, "utf8"), statSync(path).ino]).toEqual(["ONE", ino]);
    await withLockedFile(path, (file) => file.remove());
    await expect(append("!")).rejects.toMatchObject({ code: "missing" });
  });

  it("is had by one at a time in this process, and every change counts", async () => {
    let inside = 0;
    await Promise.all(
      Array.from({ length: 20 }, () =>
        withLockedFile(path, async (file) => {
          expect(++inside).toBe(1);
          const { length } = await file.read();
          await file.write([{ offset: length, bytes: bytes("+") }]);
          inside--;
        }),
      ),
    );
    expect(readFileSync(path, "utf8")).toBe(`one${"+".repeat(20)}`);
  });

  it("gives its lock back where the work fails", async () => {
    await expect(withLockedFile(path, () => Promise.reject(new TypeError("x")))).rejects.toThrow(TypeError);
    await append(" two");
  });

  /** Begins a change of the file while its lock is ours, and comes back when the file was opened for it. */
  async function changeBehind(): Promise<{ changed: Promise<unknown> }> {
    let changed: Promise<unknown> = Promise.resolve();
    await new Promise<void>((opened) => {
      const work = async (file: LockedFile) => {
        const { length } = await file.read();
        await file.write([{ offset: length, bytes: bytes(" two") }]);
      };
      changed = withLockedFile(path, work, () => opened()).catch((error: unknown) => error);
    });
    return { changed };
  }

  it("is opened anew where it was replaced while its lock was waited for", async () => {
    const { changed } = await withLockedFile(path, async () => {
      const behind = await changeBehind();
      writeFileSync(join(dir, "new"), "new", { mode: 0o600 });
      renameSync(join(dir, "new"), path);
      return behind;
    });
    expect(await changed).toBeUndefined();
    expect(readFileSync(path, "utf8")).toBe("new two");
  });

  it("is missing where it was removed while its lock was waited for", async () => {
    const { changed } = await withLockedFile(path, async () => {
      const behind = await changeBehind();
      unlinkSync(path);
      return behind;
    });
    expect(await changed).toMatchObject({ code: "missing" });
  });

  it("is refused where it is not ours alone", async () => {
    symlinkSync(path, join(dir, "link"));
    const refused = { name: "PrivateFileError", code: "unsafe" };
    await expect(withLockedFile(join(dir, "link"), async () => {})).rejects.toMatchObject(refused);
    chmodSync(path, 0o644);
    await expect(append("!")).rejects.toMatchObject(refused);
    await withLockedFile(
      path,
      async () => {},
      () => {},
    );
    await expect(withLockedFile(dir, async () => {})).rejects.toMatchObject({ code: "unavailable" });
  });
});

/** Holds an fcntl lock of the file, as MIT's library takes it, until its stdin ends. */
const HOLDER = `
import fcntl, sys
with open(sys.argv[1], "r+b") as f:
    fcntl.lockf(f, fcntl.LOCK_EX)
    print("locked", flush=True)
    sys.stdin.read()
    f.seek(0, 2); f.write(b" python"); f.flush()
`;
const ASK = `
import fcntl, sys
with open(sys.argv[1], "r+b") as f:
    try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB); print("free")
    except BlockingIOError: print("held")
`;

describe.skipIf(!hasPython())(
  "a locked file and the fcntl locks of other programs (runs where python3 is)",
  () => {
    const ask = () => execFileSync("python3", ["-c", ASK, path], { encoding: "utf8" }).trim();
    const hold = async (): Promise<ChildProcess> => {
      const child = spawn("python3", ["-c", HOLDER, path], { stdio: ["pipe", "pipe", "inherit"] });
      await once(child.stdout, "data");
      return child;
    };

    it("keeps them out", async () => {
      await withLockedFile(path, async () => expect(ask()).toBe("held"));
      expect(ask()).toBe("free");
    });

    it("waits for them, and sees what they wrote", async () => {
      const holder = await hold();
      const appended = append(" tessera");
      holder.stdin?.end();
      await appended;
      expect(readFileSync(path, "utf8")).toBe("one python tessera");
    });

    it("gives up where the lock is not given back, and changes nothing", async () => {
      const holder = await hold();
      const work = withLockedFile(path, async (file) => file.truncate(0), requireOwn, 0);
      await expect(work).rejects.toMatchObject({ name: "PrivateFileError", code: "busy" });
      expect(readFileSync(path, "utf8")).toBe("one");
      holder.stdin?.end();
      await once(holder, "close");
    });
  },
);

function hasPython(): boolean {
  try {
    execFileSync("python3", ["-c", "import fcntl"]);
    return true;
  } catch {
    return false;
  }
}
