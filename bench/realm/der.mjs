// As much of DER (X.690) as Kerberos' own messages take (RFC 4120, appendix A).

/** A value under a tag. @param {number} tag @param {...Buffer} parts of its contents */
export function der(tag, ...parts) {
  const contents = Buffer.concat(parts);
  const { length } = contents;
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), contents]);
}

export const sequence = (...parts) => der(0x30, ...parts);
/** Context tag `n`, explicit. */
export const context = (n, ...parts) => der(0xa0 | n, ...parts);
/** Application tag `n`, explicit. */
export const application = (n, ...parts) => der(0x60 | n, ...parts);
export const octets = (bytes) => der(0x04, Buffer.from(bytes));
export const text = (value) => der(0x1b, Buffer.from(value, "latin1"));

/** A number that is not negative. */
export function integer(value) {
  let hex = value.toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  if (Number.parseInt(hex[0], 16) >= 8) hex = `00${hex}`;
  return der(0x02, Buffer.from(hex, "hex"));
}

/** 32 flags. */
export function flags(value) {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(value, 1);
  return der(0x03, bytes);
}

/** A KerberosTime: whole seconds. */
export function time(ms) {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, "").slice(0, 14);
  return der(0x18, Buffer.from(`${digits}Z`, "latin1"));
}

/** What stands first in these bytes. */
export function parse(bytes) {
  let at = 2;
  let length = bytes[1];
  if (length >= 0x80) {
    const count = length & 0x7f;
    length = bytes.readUIntBE(2, count);
    at += count;
  }
  return { tag: bytes[0], contents: bytes.subarray(at, at + length), whole: bytes.subarray(0, at + length) };
}

/** What the fields of a sequence contain, by the numbers of their context tags. */
export function fields(bytes) {
  const found = new Map();
  for (let rest = parse(bytes).contents; rest.length > 0; ) {
    const { tag, contents, whole } = parse(rest);
    found.set(tag & 0x1f, contents);
    rest = rest.subarray(whole.length);
  }
  return found;
}
