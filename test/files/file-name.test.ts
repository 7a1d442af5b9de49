import { describe, expect, it } from "vitest";
import { filePathOf } from "../../src/files/file-name.js";

describe("the name of a keytab or a cache", () => {
  it.each([
    ["/etc/krb5.keytab", "/etc/krb5.keytab"],
    ["FILE:/etc/krb5.keytab", "/etc/krb5.keytab"],
    ["WRFILE:relative/k", "relative/k"],
    ["FILE:", ""],
    ["C:\\keys\\k", "C:\\keys\\k"],
    ["./odd:name", "./odd:name"],
    ["odd:name", "odd:name"],
  ])("%s is the file %s", (name, path) => {
    expect(filePathOf(name, "keytab")).toBe(path);
  });

  it.each(["KEYRING:persistent:1000", "MEMORY:x", "KCM:", "DIR:/tmp/x", "API:1"])(
    "%s is of a type that is not here",
    (name) => {
      expect(() => filePathOf(name, "keytab")).toThrow(RangeError);
      expect(() => filePathOf(name, "keytab")).toThrow(
        /^keytab: [A-Z]+: is not supported here; give FILE:PATH/,
      );
    },
  );
});
