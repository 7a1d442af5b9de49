/** What is said of each message. */
import type { ComponentChildren } from "preact";
import type { Scene } from "../../realm/scene-name.js";
import { Notation } from "../parts/notation.tsx";

/** A message's heading and text. */
export interface MessageProse {
  readonly title: string;
  readonly text: (scene: Scene) => ComponentChildren;
}

/** The six messages, in order. */
export const PROSE: readonly MessageProse[] = [
  {
    title: "alice asks to be let in",
    text: () => (
      <>
        <p>
          alice types her password. Her client makes a key of it, <Notation text="K_c" />, and forgets the
          password. The authentication server has the same key in its database. So the password need not
          travel, and it never does.
        </p>
        <p>
          What travels is a name, and a proof: the time <Notation text="TS1" />, sealed under{" "}
          <Notation text="K_c" />. If it comes out of the seal and is at most five minutes off, whoever sealed
          it knows the password. The nonce is random and comes back in the answer, so that an old answer is
          not taken for this one.
        </p>
      </>
    ),
  },
  {
    title: "Two boxes: one to open, one to carry",
    text: (scene) => (
      <>
        <p>
          The AS makes a new key, <Notation text="K_c,tgs" />, good until the evening, and puts it into two
          boxes. The first is sealed under <Notation text="K_c" />: alice opens it, and has the key. The
          second is the <em>ticket</em>. It holds the same key beside alice’s name, sealed under{" "}
          <Notation text="K_tgs" />, which only the AS and the TGS have.
        </p>
        <p>
          So alice carries a ticket that she can’t read.{" "}
          {scene === "textbook-ecb"
            ? "But nothing protects it from being altered: in ECB each block stands for itself, and there is no checksum."
            : "Nor can she alter it: whatever she changes, the checksum under the seal no longer fits, and she can’t " +
              "make another without the key."}
        </p>
      </>
    ),
  },
  {
    title: "A ticket for another ticket",
    text: () => (
      <>
        <p>
          alice wants to talk to V. She sends the ticket, and with it an <em>authenticator</em>, made for this
          one request: her name and the time <Notation text="TS3" />, sealed under <Notation text="K_c,tgs" />
          . The TGS opens the ticket, finds <Notation text="K_c,tgs" /> in it, and opens the authenticator
          with that.
        </p>
        <p>
          The ticket was on the wire for all to copy; it proves nothing by itself. The authenticator proves
          that the sender has the key. The name in it must be the name in the ticket. Its checksum covers the
          body, which travels in clear. And the TGS remembers it: sent a second time it is refused, and when
          it is older than five minutes it is refused anyway.
        </p>
      </>
    ),
  },
  {
    title: "The same again, for V",
    text: () => (
      <>
        <p>
          A new key, <Notation text="K_c,v" />, in two boxes. This time alice’s box is sealed under{" "}
          <Notation text="K_c,tgs" />: the key made of her password has not been needed since message 2, and
          her client has forgotten it. The ticket is sealed under <Notation text="K_v" />, which V and the TGS
          have.
        </p>
        <p>
          It begins at <Notation text="TS4" />, but ends when the first ticket ends: nothing that alice gets
          today outlives her login.
        </p>
      </>
    ),
  },
  {
    title: "alice and V meet",
    text: () => (
      <>
        <p>
          V has never heard of alice and asks nobody. It opens the ticket with <Notation text="K_v" />, from
          its keytab, the file with its key: there is her name, and <Notation text="K_c,v" />. With that it
          opens the authenticator, as the TGS did. It trusts the name because only the TGS could have sealed
          it in.
        </p>
        <p>
          The authenticator brings a fresh key of alice’s, <Notation text="Subkey_c" />, and under that the
          request is sealed. What alice asks for is between her and V. Only the TGS could listen in, as it
          made <Notation text="K_c,v" />: whoever keeps everybody’s keys is trusted by everybody.
        </p>
      </>
    ),
  },
  {
    title: "V proves itself",
    text: () => (
      <>
        <p>
          Anybody could have answered. So V takes the time out of alice’s authenticator,{" "}
          <Notation text="TS5" />, and seals it under <Notation text="K_c,v" />. Only whoever opened the
          ticket has that key, and of all that might answer only V could open it. The textbook adds one to the
          time; RFC 4120 leaves it as it is, because the two boxes can’t be mistaken for each other.
        </p>
        <p>
          The answer itself is sealed under a fresh key of V’s. From the password to here: three calls, and
          the password was in none.
        </p>
      </>
    ),
  },
];
