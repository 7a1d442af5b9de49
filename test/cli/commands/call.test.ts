import { beforeAll, describe, expect, it } from "vitest";
import { served } from "../served.js";

const tests = served();
const { shell } = tests;
const call = (words: string) => shell.run(`call --address ${tests.realm.v.address} ${words}`);

describe("call", () => {
  beforeAll(() => tests.login("alice"));

  it("asks V who is calling", async () => {
    const { code, stdout, stderr } = await call("who-am-i");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^client: alice@EXAMPLE\.TEST\n/);
  });

  it("stores a note and reads it, as text and as JSON", async () => {
    const address = tests.realm.v.address;
    const put = await shell.runWords([
      "call",
      "--address",
      address,
      "put-note",
      "name=a",
      "text=sealed = yes",
    ]);
    expect([put.code, put.stderr]).toEqual([0, ""]);
    expect((await call("get-note name=a")).stdout).toMatch(/^note:\n {2}name: a\n {2}text: sealed = yes\n/);
    expect(JSON.parse((await call("get-note name=a --json")).stdout)).toMatchObject({
      note: { name: "a", text: "sealed = yes" },
    });
  });

  it("lets no text from elsewhere steer the terminal", async () => {
    const address = tests.realm.v.address;
    await shell.runWords(["call", "--address", address, "put-note", "name=b", "text=\u001b[31m\u202e\u009b"]);
    const asText = (await call("get-note name=b")).stdout;
    expect(asText).toContain("text: \\u001b[31m\\u202e\\u009b\n");
    const asJson = (await call("get-note name=b --json")).stdout;
    expect(asJson).toContain('"\\u001b[31m\\u202e\\u009b"');
    expect(JSON.parse(asJson)).toMatchObject({ note: { text: "\u001b[31m\u202e\u009b" } });
  });

  it("names what V refuses", async () => {
    expect(await call("get-note name=none")).toEqual({
      code: 1,
      stdout: "",
      stderr: "tessera: you have no note named none (NOT_FOUND)\n",
    });
    const { stdout } = await call("get-note name=none --json");
    expect(JSON.parse(stdout)).toEqual({
      error: { reason: "NOT_FOUND", text: "you have no note named none" },
    });
  });

  it("needs a login", async () => {
    const { code, stderr } = await call("-c ./none who-am-i");
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^tessera: nobody is logged in: .*\nhint: run/),
    ]);
  });

  it("lists the operations, with their fields and the contract's comments", async () => {
    const { stdout } = await shell.run("call --list");
    expect(stdout).toMatch(/^put-note name=text text=text +Writes a note/m);
    const { operations } = JSON.parse((await shell.run("call --list --json")).stdout) as {
      operations: { name: string; fields: { name: string; type: string }[] }[];
    };
    expect(operations.find(({ name }) => name === "put-note")?.fields).toMatchObject([
      { name: "name", type: "text" },
      { name: "text", type: "text" },
    ]);
  });

  it("explains an operation", async () => {
    const { code, stdout } = await shell.run("call put-note --help");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^usage: tessera call put-note name=TEXT text=TEXT\n\nWrites a note/);
  });

  it.each([
    ["no operation", "", "which operation? `tessera call --list` lists them"],
    ["an operation that V does not have", "put-nte", "no operation put-nte; did you mean put-note?"],
    ["help on one that V does not have", "put-nte --help", "no operation put-nte; did you mean put-note?"],
    ["a field that it does not have", "put-note nam=x", "put-note has no field nam; did you mean name?"],
    ["a field that is given twice", "put-note name=x name=y", "name: given twice"],
    ["a word that is no field", "put-note x", "expected FIELD=VALUE, got x"],
    ["a service that is none", "--service /v who-am-i", "--service: not a principal of the form"],
  ])("is used wrongly with %s", async (_, words, text) => {
    const { code, stdout, stderr } = await shell.run(`call ${words}`);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(text)]);
  });
});
