/** Changes to the message that is held: one byte, or one field. */
import { useState } from "preact/hooks";
import type { ByteNode } from "../../bytes/byte-node.js";
import type { TranscriptMessage } from "../../transcript/transcript.js";
import { Notation } from "../parts/notation.tsx";
import type { Lab } from "./connection.js";

interface Props {
  readonly message: TranscriptMessage;
  readonly ask: Lab["ask"];
}

export function ChangeMessage({ message, ask }: Props) {
  return (
    <details class="change" open>
      <summary>Change it before it goes on</summary>
      <FlipBit message={message} ask={ask} />
      <ChangeByte message={message} ask={ask} />
      <ChangeField message={message} ask={ask} />
    </details>
  );
}

/** One bit in the middle of what is sealed: what a cipher alone does not notice. */
function FlipBit({ message: { sealed, hex }, ask }: Props) {
  if (sealed.length === 0) return null;
  return (
    <p class="flips">
      <span aria-hidden="true">Flip a bit of</span>
      {sealed.map(({ field, symbol, at, length }) => {
        const place = at + 8 * Math.floor(length / 16);
        const value = Number.parseInt(hex.slice(2 * place, 2 * place + 2), 16) ^ 1;
        return (
          <button type="button" key={field} onClick={() => void ask("change-byte", { at: place, value })}>
            <span class="unseen">Flip a bit of </span>
            <Notation text={symbol} />
          </button>
        );
      })}
    </p>
  );
}

function ChangeByte({ message, ask }: Props) {
  const size = message.hex.length / 2;
  const [at, setAt] = useState(size - 1);
  const [value, setValue] = useState<string>();
  const place = Math.min(at, size - 1);
  const current = message.hex.slice(2 * place, 2 * place + 2);
  return (
    <form
      class="change-byte"
      onSubmit={(event) => {
        event.preventDefault();
        void ask("change-byte", { at: place, value: Number.parseInt(value ?? flipped(current), 16) });
        setValue(undefined);
      }}
    >
      <label>
        Byte
        <input
          type="number"
          min={0}
          max={size - 1}
          value={place}
          onInput={({ currentTarget }) => {
            setAt(Number(currentTarget.value));
            setValue(undefined);
          }}
        />
      </label>
      <label>
        from {current} to
        <input
          type="text"
          size={2}
          maxLength={2}
          pattern="[0-9a-fA-F]{2}"
          required
          value={value ?? flipped(current)}
          onInput={({ currentTarget }) => setValue(currentTarget.value)}
        />
      </label>
      <button type="submit">Change the byte</button>
    </form>
  );
}

/** With its lowest bit flipped. */
function flipped(hex: string): string {
  return (Number.parseInt(hex, 16) ^ 1).toString(16).padStart(2, "0");
}

function ChangeField({ message, ask }: Props) {
  const fields = fieldsIn(message.tree);
  const [at, setAt] = useState<number>();
  const [text, setText] = useState<string>();
  const field = fields.find((one) => one.at === at) ?? fields[0];
  if (field === undefined) return null;
  return (
    <form
      class="change-field"
      onSubmit={(event) => {
        event.preventDefault();
        void ask("change-field", { at: field.at, text: text ?? field.text });
        setText(undefined);
      }}
    >
      <label>
        Field
        <select
          value={String(field.at)}
          onChange={({ currentTarget }) => {
            setAt(Number(currentTarget.value));
            setText(undefined);
          }}
        >
          {fields.map(({ at, path }) => (
            <option key={at} value={String(at)}>
              {path}
            </option>
          ))}
        </select>
      </label>
      <label class="to-value">
        to
        <input
          type="text"
          spellcheck={false}
          value={text ?? field.text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <button type="submit">Change the field</button>
    </form>
  );
}

interface PlainField {
  readonly at: number;
  /** `body.server` */
  readonly path: string;
  /** What it holds now, as it can be given back. */
  readonly text: string;
}

/** The fields that hold a plain value, in the order of their bytes. */
function fieldsIn(node: ByteNode, path: readonly string[] = []): PlainField[] {
  const own = node.kind === "field" ? [...path, node.name] : path;
  const inside = node.children.flatMap((child) => fieldsIn(child, own));
  if (inside.length > 0 || node.kind !== "field") return inside;
  return [{ at: node.at, path: own.join("."), text: textOf(node) }];
}

/** `des-cbc-md5 (3)` is given back as 3, bytes as hex after 0x. */
function textOf({ value = "", children }: ByteNode): string {
  const contents = children.at(-1);
  if (contents?.kind === "enum") return /\((-?\d+)\)$/.exec(value)?.[1] ?? value;
  const isHex = contents !== undefined && value.length === 2 * contents.length && /^[0-9a-f]*$/.test(value);
  return isHex ? `0x${value}` : value;
}
