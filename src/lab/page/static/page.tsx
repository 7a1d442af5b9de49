/** The whole page, from the top: who takes part, the six messages, what they rest on, and six questions. */
import { useState } from "preact/hooks";
import type { ByteKind } from "../../bytes/byte-node.js";
import type { Scene } from "../../realm/scene-name.js";
import type { Transcript } from "../../transcript/transcript.js";
import { DesLesson } from "../des/des-lesson.tsx";
import { Choice, type Option } from "../parts/choice.tsx";
import { Ladder } from "../parts/ladder.tsx";
import { Notation } from "../parts/notation.tsx";
import { READERS } from "../parts/readers.js";
import type { Reader } from "../parts/reading.js";
import { ModesLesson } from "../picture/modes-lesson.tsx";
import { KeysTable } from "./keys-table.tsx";
import { MessageSection } from "./message-section.tsx";
import { Questions } from "./questions.tsx";
import { TimesTable } from "./times-table.tsx";

interface PageProps {
  readonly transcripts: readonly Transcript[];
  readonly kinds: Readonly<Record<ByteKind, string>>;
}

const SCENES: Readonly<Record<Scene, Option<Scene>>> = {
  textbook: { value: "textbook", label: "DES", title: "DES, in CBC mode with a checksum" },
  standard: { value: "standard", label: "AES", title: "AES, with an HMAC" },
  "textbook-ecb": {
    value: "textbook-ecb",
    label: "DES in ECB",
    title: "DES in ECB mode, without a checksum",
  },
};

export function Page({ transcripts, kinds }: PageProps) {
  const [scene, setScene] = useState(transcripts[0]!.scene);
  const [reader, setReader] = useState<Reader>("C");
  const transcript = transcripts.find((one) => one.scene === scene)!;
  const { messages } = transcript;
  return (
    <>
      <header class="top">
        {transcripts.length > 1 ? <IllustratedTop /> : <RecordedTop title={transcript.title} />}
      </header>
      <section class="hand" aria-label="What you see">
        <Choice
          name="reader"
          legend="Whose keys are in your hand?"
          options={READERS}
          value={reader}
          onChoose={setReader}
        />
        {transcripts.length > 1 && (
          <Choice
            name="scene"
            legend="Sealed with"
            options={transcripts.map((one) => SCENES[one.scene])}
            value={scene}
            onChoose={setScene}
          />
        )}
      </section>
      <main>
        <section class="overview" aria-labelledby="overview">
          <div>
            <h2 id="overview">Six messages</h2>
            <div class="prose">
              <p>
                The <b>AS</b> knows every user’s key and checks who you are, once a day. The <b>TGS</b> gives
                tickets for services to whoever passed the AS. <b>V</b> is any service: a mail server, a
                printer, a database.
              </p>
              <p>
                Each arrow is a message, each lock in it a sealed box. Choose whose keys are in your hand, and
                see which of them open.
              </p>
              <p class="aside">
                A box is written as in the textbooks: <Notation text="E(K_c, [TS1])" /> is the time{" "}
                <Notation text="TS1" />, encrypted under the key <Notation text="K_c" />. ‖ puts one thing
                beside another. <Notation text="ID" /> is a name; <Notation text="AD" /> an address, which
                Tessera’s tickets leave out.
              </p>
            </div>
          </div>
          <Ladder messages={messages} reader={reader} hrefOf={(place) => `#message-${place + 1}`} />
        </section>
        {messages.map((message, place) => (
          <MessageSection
            key={place}
            message={message}
            isAgain={messages
              .slice(0, place)
              .some(({ number, refusal }) => number === message.number && refusal === undefined)}
            place={place}
            scene={scene}
            reader={reader}
            kinds={kinds}
          />
        ))}
        <section class="lesson" aria-labelledby="keys">
          <h2 id="keys">Who holds which key</h2>
          <p>
            No key travels in clear, and no two parties that have not met need share one. The number says with
            which message a party made the key or found it in a box.
          </p>
          <KeysTable keys={transcript.keys} reader={reader} />
          <p class="aside">
            AS and TGS share one database; here each is given the keys that it uses. Whoever runs that
            database can open every box: from <Notation text="K_v" /> to <Notation text="K_c,v" />, and from
            there to the subkeys.
          </p>
        </section>
        <section class="lesson" aria-labelledby="cache">
          <h2 id="cache">What alice keeps</h2>
          <p>
            When all is done alice’s client has two tickets, each with its session key and its end: her{" "}
            <em>credential cache</em>, a file that only she may read. It is why she types her password once a
            day. To call V again her client makes a new authenticator, and nothing else.
          </p>
          <p>
            Whoever copies that file can do the same. The thief is alice to the TGS and to every service,
            until the tickets end in the evening; but the file holds neither her password nor{" "}
            <Notation text="K_c" />, so the theft ends with the day. <code>tessera kdestroy</code> removes it.
          </p>
        </section>
        <section class="lesson" aria-labelledby="times">
          <h2 id="times">Seven times</h2>
          <p>Kerberos runs on clocks: they must agree within five minutes.</p>
          <TimesTable transcript={transcript} />
        </section>
        <DesLesson transcripts={transcripts} />
        <ModesLesson />
        <section class="lesson" aria-labelledby="questions">
          <h2 id="questions">Six questions</h2>
          <p>Everything that the answers need stands above. Answer first, then unfold.</p>
          <Questions />
        </section>
      </main>
      <footer>
        <p>
          Made by Tessera, single sign-on for gRPC, from its own servers and codecs. The page is one file, and
          nothing in it asks the network.
        </p>
      </footer>
    </>
  );
}

function IllustratedTop() {
  return (
    <>
      <h1>The illustrated login</h1>
      <p class="lede">
        Every byte of one Kerberos login: alice proves who she is to a service that has never met her, and her
        password stays at home. These are the bytes of real servers, recorded once. Point at any of them.
      </p>
    </>
  );
}

/** The top of a page that shows what somebody did: any calls, in any order, refused ones among them. */
function RecordedTop({ title }: { readonly title: string }) {
  return (
    <>
      <h1>{title}</h1>
      <p class="lede">Every byte that travelled, in the order in which it did. Point at any of them.</p>
    </>
  );
}
