/** Six questions, to be answered by whoever has read the page; the answers fold out. */
import type { ComponentChildren } from "preact";
import { Notation } from "../parts/notation.tsx";

const QUESTIONS: readonly { readonly question: string; readonly answer: ComponentChildren }[] = [
  {
    question: "Who can read the ticket?",
    answer: (
      <>
        Whoever has the key it is sealed under: for <Notation text="Ticket_tgs" /> the AS that made it and the
        TGS it is for, for <Notation text="Ticket_v" /> the TGS and V. alice carries both and reads neither.
        She knows what is in them only because she was told the same in a box of her own.
      </>
    ),
  },
  {
    question: "What stops a replay?",
    answer: (
      <>
        The authenticator. It is good for one request: its time must be within five minutes of the server’s,
        and within those minutes the server remembers every authenticator it took. The same one again is
        refused as <code>KRB_AP_ERR_REPEAT</code>; a new one can’t be made without the session key. Answers
        are matched to questions by the nonce.
      </>
    ),
  },
  {
    question: "Why can’t the client alter its name?",
    answer: (
      <>
        The name that counts is the one in the ticket, sealed under a key that alice does not have, with a
        checksum that she can’t make without it. The name in the authenticator must be the same, or the
        request is refused as <code>KRB_AP_ERR_BADMATCH</code>. The name in clear is believed by nobody. Under
        DES in ECB there is no checksum, and there a name can be altered.
      </>
    ),
  },
  {
    question: "What does ECB give away?",
    answer: (
      <>
        Which blocks are equal, without any key: a text that repeats, a name that comes twice, the outline of
        a picture. And since each block stands for itself, blocks can be cut out of one message and pasted
        into another, and they open as if they had always been there. CBC chains each block to the one before;
        the checksum inside shows the rest.
      </>
    ),
  },
  {
    question: "What is a stolen cache worth?",
    answer: (
      <>
        alice’s access until the evening. The cache holds her tickets and their session keys: with both, a
        thief is alice to the TGS and to every service, from any machine, until the tickets end. It does not
        hold her password or <Notation text="K_c" />, so nothing is left when the tickets have ended. A ticket
        without its session key, as one gets it by listening, is worth nothing.
      </>
    ),
  },
  {
    question: "What is each time for?",
    answer: (
      <>
        <Notation text="TS1" />, <Notation text="TS3" /> and <Notation text="TS5" /> show that a proof is
        fresh, so that what is recorded is soon worthless, and a server need remember only minutes.{" "}
        <Notation text="TS2" /> and <Notation text="TS4" /> say when a ticket begins, and with a lifetime
        added when it ends, because it can’t be taken back. <Notation text="TS5" />, sent back, proves V to
        alice.
      </>
    ),
  },
];

export function Questions() {
  return (
    <ol class="questions">
      {QUESTIONS.map(({ question, answer }) => (
        <li key={question}>
          <details>
            <summary>{question}</summary>
            <p>{answer}</p>
          </details>
        </li>
      ))}
    </ol>
  );
}
