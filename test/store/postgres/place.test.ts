/** Names of stores in PostgreSQL: what they say, and that no refusal shows a password. */
import { describe, expect, test } from "vitest";
import { passwordIn } from "../../../src/store/postgres/password.js";
import { postgresNameOf, postgresPlace, shownPostgresName } from "../../../src/store/postgres/place.js";

test("a name says where the realm is, and how it is reached", () => {
  expect(
    postgresPlace("postgres://kdc:p%40ss@a.example.test,[2001:db8::1]:5433/tessera?realm=EXAMPLE.TEST"),
  ).toEqual({
    hosts: [
      { host: "a.example.test", port: 5432 },
      { host: "2001:db8::1", port: 5433 },
    ],
    database: "tessera",
    user: "kdc",
    password: "p@ss",
    realm: "EXAMPLE.TEST",
    ssl: { mode: "verify-full", rootCert: undefined, cert: undefined, key: undefined },
    pool: 8,
    timeout: 1_500,
    staleness: 2_000,
    away: 2_000,
    text: "PostgreSQL at a.example.test:5432, [2001:db8::1]:5433, database tessera",
  });
  const chosen = "pool=3&timeout=500ms&staleness=1s&away=1m&sslmode=verify-ca&sslrootcert=/ca.pem";
  expect(postgresPlace(`postgresql://h:1/d?realm=X&${chosen}&target_session_attrs=read-write`)).toMatchObject(
    {
      hosts: [{ host: "h", port: 1 }],
      user: undefined,
      pool: 3,
      timeout: 500,
      staleness: 1_000,
      away: 60_000,
      ssl: { mode: "verify-ca", rootCert: "/ca.pem" },
    },
  );
});

test.each(["localhost", "127.0.0.1", "127.0.0.2", "[::1]"])("to %s nobody is in between: no TLS", (host) => {
  expect(postgresPlace(`postgres://${host}/d?realm=X`).ssl.mode).toBe("disable");
  expect(postgresPlace(`postgres://${host},h/d?realm=X`).ssl.mode).toBe("verify-full");
});

test("a Unix socket is named by its folder", () => {
  expect(postgresPlace("postgres://:5433/d?host=/run/postgresql&realm=X")).toMatchObject({
    hosts: [{ host: "/run/postgresql", port: 5433 }],
    ssl: { mode: "disable" },
  });
});

const secret = "hunter2";

describe("refused, without showing the password:", () => {
  test.each([
    ["libpq's other form", `host=h dbname=d password=${secret}`],
    ["another scheme", `mysql://u:${secret}@h/d?realm=X`],
    ["no database", `postgres://u:${secret}@h?realm=X`],
    ["no host", `postgres://u:${secret}@/d?realm=X`],
    ["an empty host in a list", `postgres://u:${secret}@a,,b/d?realm=X`],
    ["a host of other characters", `postgres://u:${secret}@a b/d?realm=X`],
    ["no IPv6 address in brackets", `postgres://u:${secret}@[1.2.3.4]/d?realm=X`],
    ["a port out of range", `postgres://u:${secret}@h:65536/d?realm=X`],
    ["a password that is not encoded", `postgres://u:${secret}/?#@h/d?realm=X`],
    ["a percent sign on its own", `postgres://u:${secret}%@h/d?realm=X`],
    ["a fragment", `postgres://u:${secret}@h/d?realm=X#y`],
    ["no realm", `postgres://u:${secret}@h/d`],
    ["a realm that is none", `postgres://u:${secret}@h/d?realm=x`],
    ["an unknown parameter", `postgres://u:${secret}@h/d?realm=X&${secret}=1`],
    ["a parameter twice", `postgres://u:${secret}@h/d?realm=X&pool=1&pool=2`],
    ["TLS that gives way", `postgres://u:${secret}@h/d?realm=X&sslmode=prefer`],
    ["a certificate's file without TLS", `postgres://u:${secret}@h/d?realm=X&sslmode=disable&sslrootcert=/x`],
    ["a certificate without its key", `postgres://u:${secret}@h/d?realm=X&sslcert=/x`],
    ["a standby", `postgres://u:${secret}@h/d?realm=X&target_session_attrs=any`],
    ["a socket and a host", `postgres://u:${secret}@h/d?realm=X&host=/run/x`],
    ["no connection at all", `postgres://u:${secret}@h/d?realm=X&pool=0`],
    ["a bound that is no time", `postgres://u:${secret}@h/d?realm=X&staleness=soon`],
    ["a bound of hours", `postgres://u:${secret}@h/d?realm=X&staleness=2h`],
    ["away for less than the bound", `postgres://u:${secret}@h/d?realm=X&away=1s`],
  ])("%s", (_, name) => {
    let error: unknown;
    try {
      postgresPlace(name);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(RangeError);
    expect(String(error)).toMatch(/store: postgres: /);
    expect(String(error)).not.toContain(secret);
  });
});

test("a name is shown without its password", () => {
  expect(shownPostgresName(`postgres://u:${secret}@h/d?pool=1`)).toBe("postgres://u@h/d?pool=1");
  expect(shownPostgresName("postgres://u@h/d")).toBe("postgres://u@h/d");
});

test("a realm's settings name the database, and the realm is added", () => {
  expect(postgresNameOf("postgres://h/d", "X.TEST")).toBe("postgres://h/d?realm=X.TEST");
  expect(postgresNameOf("postgres://h/d?pool=1", "X.TEST")).toBe("postgres://h/d?pool=1&realm=X.TEST");
  expect(() => postgresNameOf("postgres://h/d?realm=Y.TEST", "X.TEST")).toThrow(RangeError);
  expect(() => postgresNameOf("lmdb:x", "X.TEST")).toThrow(RangeError);
});

test("a password is that of the first line that fits", () => {
  const wanted = { host: "h", port: 5432, database: "d", user: "u" };
  const file = "# comment\n\nh:5432:other:u:no\nh:*:d:u:a\\:b\\\\c\n*:*:*:*:last\n";
  expect(passwordIn(file, wanted)).toBe("a:b\\c");
  expect(passwordIn(file, { ...wanted, user: "v" })).toBe("last");
  expect(passwordIn("h:1:d:u:no", wanted)).toBeUndefined();
  expect(passwordIn("localhost:5432:d:u:here", { ...wanted, host: "/run/postgresql" })).toBe("here");
});
