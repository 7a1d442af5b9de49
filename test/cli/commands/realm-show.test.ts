import { describe, expect, it } from "vitest";
import { onDisk } from "../on-disk.js";

const shell = onDisk();
const ALL =
  "aes256-cts-hmac-sha384-192, aes128-cts-hmac-sha256-128, des3-cbc-sha1-kd, des-cbc-md5, des-ede-ecb, " +
  "des-ecb";

describe("realm show", () => {
  it("shows what the realm permits and how many principals it has", async () => {
    const { code, stdout, stderr } = await shell.run("realm show");
    expect([code, stderr]).toEqual([0, ""]);
    const rows = stdout.trimEnd().split("\n");
    expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
      ["realm", "EXAMPLE.TEST"],
      ["folder", "./realm"],
      ["profile", "textbook"],
      ["permitted", expect.stringContaining("aes256-cts-hmac-sha384-192")],
      ["new keys", "des-cbc-md5"],
      ["weak", expect.stringContaining("des-cbc-md5")],
      ["longest ticket", "10h"],
      ["renewable for", "7d"],
      ["clock skew", "5m"],
      ["iterations", "32768"],
      ["failed logins", "nameAndPeer 10/10m, name 60/10m, peer 300/5m"],
      ["principals", "2"],
      ["V's keytab", "./realm/v.keytab"],
    ]);
  });

  it("gives the same as JSON", async () => {
    expect(JSON.parse((await shell.run("realm show --json")).stdout)).toMatchObject({
      realm: "EXAMPLE.TEST",
      profile: "textbook",
      maxLife: 36_000_000,
      clockSkew: 300_000,
      dir: "./realm",
      etypes: { permitted: ALL.split(", "), newKeys: ["des-cbc-md5"] },
      principals: 2,
    });
  });

  it("says where there is no realm, and how to make one", async () => {
    expect(await shell.run("realm show --dir ./none")).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "tessera: ./none: there is no realm here\nhint: check the path, or make the realm first: tessera " +
        "realm create\n",
    });
    const { stdout } = await shell.run("realm show --dir ./none --json");
    expect(JSON.parse(stdout)).toMatchObject({ error: { reason: "missing" } });
  });
});
