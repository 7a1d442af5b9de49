import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TRUSTED_DIRS } from "../../src/files/privacy.js";
import { descriptorOf, readSecret, readSecretNow } from "../../src/files/secret-file.js";
import { canMount, makeReadOnly, withSmallDisk } from "../support/mounts.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "secret-"));
});
afterEach(() => {
  delete process.env[TRUSTED_DIRS];
  rmSync(dir, { recursive: true });
});

const isRoot = process.geteuid?.() === 0;
const secret = (name: string, mode = 0o600) => {
  const path = join(dir, name);
  writeFileSync(path, "apple", { mode });
  chmodSync(path, mode);
  return path;
};
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const refusal = (path: string) =>
  readSecret(path).catch((error: unknown) => error as Error & { code: string });

describe("a secret that is given", () => {
  it("is read from a file of our own, up to a limit", async () => {
    const path = secret("s");
    expect(text(await readSecret(path))).toBe("apple");
    expect(text(await readSecret(path, 5))).toBe("apple");
    await expect(readSecret(path, 4)).rejects.toMatchObject({ code: "too-large" });
    await expect(readSecret(join(dir, "none"))).rejects.toMatchObject({ code: "missing" });
    for (const mode of [0o400, 0o600]) expect(text(readSecretNow(secret("m", mode)))).toBe("apple");
  });

  // Kubernetes: the name is a link to ..data/NAME, and ..data one to the folder of the day.
  it("is read through links that stay within its folder, also while they are put to a new one", async () => {
    for (const day of ["..mon", "..tue"]) {
      mkdirSync(join(dir, day));
      secret(join(day, "k"));
    }
    writeFileSync(join(dir, "..tue/k"), "pear");
    symlinkSync("..mon", join(dir, "..data"));
    symlinkSync("..data/k", join(dir, "k"));
    expect(text(await readSecret(join(dir, "k")))).toBe("apple");
    symlinkSync("..tue", join(dir, "..data_tmp"));
    renameSync(join(dir, "..data_tmp"), join(dir, "..data"));
    rmSync(join(dir, "..mon"), { recursive: true });
    expect(text(await readSecret(join(dir, "k")))).toBe("pear");
  });

  it("is refused through a link that leads out of its folder, and the file itself is named", async () => {
    const path = secret("s");
    mkdirSync(join(dir, "below"));
    mkdirSync(join(dir, "below-not"));
    symlinkSync(path, join(dir, "below", "up"));
    symlinkSync(secret("below-not/s"), join(dir, "below", "sideways"));
    symlinkSync("nothing", join(dir, "dangling"));
    expect(await refusal(join(dir, "below", "up"))).toMatchObject({
      code: "unsafe",
      message: `${dir}/below/up: is a symbolic link out of its folder; give the file itself: ${path}`,
    });
    expect(await refusal(join(dir, "below", "sideways"))).toMatchObject({ code: "unsafe" });
    expect(await refusal(join(dir, "dangling"))).toMatchObject({ code: "missing" });
  });

  it("is refused where it is open to others, and what mends it is named", async () => {
    for (let bits = 1; bits <= 0o77; bits++) {
      if (isRoot && bits === 0o40) continue;
      const mode = `0${(0o600 | bits).toString(8)}`;
      expect(await refusal(secret("s", 0o600 | bits))).toMatchObject({
        name: "PrivateFileError",
        code: "unsafe",
        message: `${dir}/s: open to others (mode ${mode}); run \`chmod 600 ${dir}/s\``,
        hint: `or have the files of its folder taken as they are: ${TRUSTED_DIRS}=${dir}`,
      });
    }
  });

  it("is no folder, no named pipe and no device", async () => {
    execFileSync("mkfifo", ["-m", "600", join(dir, "pipe")]);
    expect(await refusal(join(dir, "pipe"))).toMatchObject({ code: "unsafe", message: /\/dev\/stdin/ });
    for (const path of [dir, "/dev/null"]) expect(await refusal(path)).toMatchObject({ code: "unsafe" });
  });

  it("is taken as it is below a trusted folder, and only there", async () => {
    mkdirSync(join(dir, "run"));
    const path = secret("run/s", 0o644);
    symlinkSync(secret("elsewhere", 0o666), join(dir, "run", "link"));
    for (const folder of ["", "/nowhere", `${dir}/ru`, `${path}/x`]) {
      process.env[TRUSTED_DIRS] = folder;
      expect(await refusal(path), folder).toMatchObject({ code: "unsafe" });
    }
    for (const folders of [dir, `/nowhere:${dir}/run`, `${dir}/run/`, "/"]) {
      process.env[TRUSTED_DIRS] = folders;
      expect(text(await readSecret(path)), folders).toBe("apple");
      expect(text(await readSecret(join(dir, "run", "link")))).toBe("apple");
      if (folders !== "/") expect(await refusal("/dev/null")).toMatchObject({ code: "unsafe" });
    }
  });
});

describe.skipIf(!isRoot)("a secret of root's (runs as root only)", () => {
  it("may be read by its group and written by nobody, as with Kubernetes' fsGroup", async () => {
    for (const mode of [0o440, 0o640]) {
      chownSync(secret("s", mode), 0, 12345);
      expect(text(await readSecret(join(dir, "s")))).toBe("apple");
    }
  });

  it.skipIf(process.seteuid === undefined)(
    "is read by another user who may, and others' secrets are not",
    () => {
      const path = secret("s", 0o440);
      chownSync(path, 0, 12345);
      chmodSync(dir, 0o755);
      const read = (uid: number) => asUser(uid, 12345, path);
      expect(read(23456)).toBe("apple");
      chownSync(path, 34567, 12345);
      expect(read(23456)).toBe(
        `${path}: belongs to user 34567, not to user 23456 who runs this; run this as its owner, or have ` +
          `the files of its folder taken as they are: ${TRUSTED_DIRS}=${dir}`,
      );
      // chown would take the file from its service.
      expect(read(0)).toMatch(/belongs to user 34567, not to user 0 who runs this; run this as its owner/);
      chmodSync(path, 0o444);
      chownSync(path, 0, 0);
      expect(read(23456)).toBe(
        `${path}: open to others (mode 0444); mount it with mode 0440 (Kubernetes: defaultMode), or have ` +
          `the files of its folder taken as they are: ${TRUSTED_DIRS}=${dir}`,
      );
    },
  );

  it.skipIf(!canMount)("is told no chmod where its mount is read-only (runs where mount works)", async () => {
    await withSmallDisk(dir, async () => {
      const path = secret("s", 0o644);
      makeReadOnly(dir);
      const { message } = (await refusal(path)) as Error;
      expect(message).not.toContain("chmod");
      expect(message).toContain("mount it with mode 0440 (Kubernetes: defaultMode), or have");
    });
  });
});

describe("a secret through a descriptor", () => {
  it("has a number", () => {
    expect(
      ["/dev/stdin", "/dev/fd/63", "/proc/self/fd/7", "/dev/fd/0", "/dev/fd/x", "/dev/fd"].map(descriptorOf),
    ).toEqual([0, 63, 7, 0, undefined, undefined]);
  });

  it.each([
    ["a command's output", `node "$READ" <(printf apple)`],
    [
      "a command's output that takes its time",
      `node "$READ" <(exec 3<>$FIFO; read -t 0.05 x <&3; printf apple)`,
    ],
    ["a pipe as stdin", `printf apple | node "$READ" /dev/stdin`],
    ["a file as stdin, whoever may read it", `node "$READ" /dev/stdin < $FILE`],
    ["text in the command", `node "$READ" /dev/fd/3 3<<< apple`],
  ])("is read: %s", (_, line) => {
    secret("f", 0o644);
    expect(bash(line).trim()).toBe("apple");
  });

  it("is read to a limit", () => {
    expect(bash(`head -c 100000 /dev/zero | node "$READ" /dev/stdin 4096`)).toBe(
      "/dev/stdin: longer than the limit of 4096 bytes",
    );
  });
});

const BUILT = fileURLToPath(new URL("../../dist/files/secret-file.js", import.meta.url));
/** Prints what the built function reads from its argument, or its message. */
const READ = `
import { readSecret } from ${JSON.stringify(BUILT)};
const [path, limit] = process.argv.slice(2);
await readSecret(path, limit && Number(limit)).then(
  (bytes) => process.stdout.write(bytes),
  ({ message }) => process.stdout.write(message),
);
`;

function reader(): string {
  const path = join(dir, "read.mjs");
  writeFileSync(path, READ, { mode: 0o644 });
  return path;
}

function bash(line: string): string {
  const env = { ...process.env, READ: reader(), FILE: join(dir, "f") };
  return spawnSync("bash", ["-c", line], { encoding: "utf8", env }).stdout;
}

/** What another user reads, or the message. */
function asUser(uid: number, gid: number, path: string): string {
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    return text(readSecretNow(path));
  } catch (error) {
    return (error as Error).message;
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
