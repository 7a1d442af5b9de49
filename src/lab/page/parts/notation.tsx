/** The textbook's notation, with its subscripts. */

/** Shows `E(K_c,tgs, [ID_v ‖ TS4])` with what follows an underscore, and numbers of times, set low. */
export function Notation({ text }: { readonly text: string }) {
  const pieces = text.split(/(_c,tgs|_c,v|_[a-z\d]+|(?<=TS|Lifetime)\d)/);
  return (
    <span class="notation">
      {pieces.map((piece, i) => (i % 2 === 1 ? <sub key={piece + i}>{piece.replace("_", "")}</sub> : piece))}
    </span>
  );
}

const SYMBOL = /(\b(?:K|ID|AD|Ticket|Authenticator|Subkey)_(?:c,tgs|c,v|[a-z]+)|\b(?:TS|Lifetime)\d)/;

/** A sentence of a comment, with the textbook's symbols and the code in it set as such. */
export function WithSymbols({ text }: { readonly text: string }) {
  const pieces = text.split("`");
  return (
    <>
      {pieces.map((piece, i) =>
        i % 2 === 1 ? <code key={piece + i}>{piece}</code> : <Symbols key={piece + i} text={piece} />,
      )}
    </>
  );
}

function Symbols({ text }: { readonly text: string }) {
  const pieces = text.split(SYMBOL);
  return <>{pieces.map((piece, i) => (i % 2 === 1 ? <Notation key={piece + i} text={piece} /> : piece))}</>;
}
