/** What a message says to a reader: its fields in clear, and those in the boxes that open. */
import type { ByteNode } from "../../bytes/byte-node.js";
import type { TranscriptMessage } from "../../transcript/transcript.js";
import { Lock } from "./bytes-view.tsx";
import { Notation } from "./notation.tsx";
import { opens, type Reader } from "./reading.js";

interface FieldsViewProps {
  readonly message: TranscriptMessage;
  readonly reader: Reader;
}

export function FieldsView({ message, reader }: FieldsViewProps) {
  const clear = fieldsOf(message.tree, new Set(message.sealed.map(({ field }) => field)));
  return (
    <div class="fields">
      {clear.length > 0 && (
        <section class="field-group">
          <h3>In clear</h3>
          <FieldList fields={clear} />
        </section>
      )}
      {message.sealed.map((part) => {
        const isOpen = part.opened !== undefined && opens(part, reader);
        return (
          <section key={part.field} class={`field-group ${isOpen ? "open" : "closed"}`} data-key={part.key}>
            <h3>
              <Lock open={isOpen} /> <Notation text={capital(part.symbol)} />
            </h3>
            <p class="notation-line">
              <Notation text={part.notation} />
            </p>
            {isOpen && part.opened !== undefined ? (
              <FieldList fields={fieldsInside(part.opened.tree)} />
            ) : (
              <p class="closed-note">
                {part.length} bytes under <Notation text={part.key} />
                {part.opensFor.length > 0 && `, for ${part.opensFor.join(" and ")}`}
              </p>
            )}
          </section>
        );
      })}
    </div>
  );
}

/** A field as one line. */
interface FieldLine {
  readonly name: string;
  readonly symbol: string | undefined;
  readonly value: string;
}

function FieldList({ fields }: { readonly fields: readonly FieldLine[] }) {
  return (
    <dl class="field-list">
      {fields.map(({ name, symbol, value }, i) => (
        <div key={i} class="field-line">
          <dt>
            {name}
            {symbol !== undefined && (
              <>
                {" "}
                <Notation text={symbol} />
              </>
            )}
          </dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/**
 * The fields of what was under a seal: below the plaintext is a SealedPart, below it one field, then the
 * message.
 */
function fieldsInside(plaintext: ByteNode): FieldLine[] {
  const sealedPart = plaintext.children.find(({ kind }) => kind === "message");
  const message = sealedPart?.children[0]?.children.find(({ kind }) => kind === "message");
  return message === undefined ? [] : fieldsOf(message, new Set());
}

function fieldsOf(message: ByteNode, without: ReadonlySet<string>): FieldLine[] {
  return message.children
    .filter(({ kind, name }) => kind !== "message" && !without.has(name))
    .flatMap((field) => linesOf(field));
}

/** A field with a value is a line; one that holds a message has lines of its own. */
function linesOf({ name, symbol, value, children }: ByteNode): FieldLine[] {
  if (value !== undefined) return [{ name, symbol, value: shortened(value) }];
  const inside = children.filter(({ kind }) => kind === "message");
  return inside.flatMap((message) =>
    fieldsOf(message, new Set()).map((line) => ({ ...line, name: `${name} › ${line.name}` })),
  );
}

function shortened(value: string): string {
  return /^[0-9a-f]{33,}$/.test(value) ? `${value.slice(0, 32)}…` : value;
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
