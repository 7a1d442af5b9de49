/** The whole page: the scene and its clock at the top, below it what one came for. */
import { useState } from "preact/hooks";
import { AttacksView } from "./attacks-view.tsx";
import { ClockPanel } from "./clock-panel.tsx";
import { type Lab, useLab } from "./connection.js";
import { DialogueView } from "./dialogue-view.tsx";
import { ScenePicker } from "./scene-picker.tsx";
import { ScoreView } from "./score-view.tsx";

const VIEWS = [
  ["dialogue", "Dialogue"],
  ["attacks", "Attacks"],
  ["challenges", "Challenges"],
] as const;
type View = (typeof VIEWS)[number][0];

export function LabPage() {
  const lab = useLab();
  const [view, setView] = useState<View>("dialogue");
  return (
    <>
      <header class="top">
        <h1>Tessera lab</h1>
        <nav aria-label="Views">
          {VIEWS.map(([name, title]) => (
            <button
              type="button"
              key={name}
              aria-current={view === name ? "page" : undefined}
              onClick={() => setView(name)}
            >
              {title}
            </button>
          ))}
        </nav>
        <Connection lab={lab} />
      </header>
      <main>
        {lab.now !== undefined && view === "dialogue" && <DialogueTab lab={lab} />}
        {lab.now !== undefined && view === "attacks" && (
          <AttacksView attacks={lab.now.attacks} ask={lab.ask} />
        )}
        {view === "challenges" && <ScoreView ask={lab.ask} />}
      </main>
    </>
  );
}

function DialogueTab({ lab }: { readonly lab: Lab }) {
  const { state, messages, kinds } = lab.now!;
  return (
    <>
      <div class="setting">
        <ScenePicker state={state} ask={lab.ask} />
        <ClockPanel state={state} ask={lab.ask} />
      </div>
      <DialogueView key={state.scene} state={state} messages={messages} kinds={kinds} ask={lab.ask} />
    </>
  );
}

function Connection({ lab: { connection, refusal } }: { readonly lab: Lab }) {
  const text =
    connection === "lost" ? "The lab does not answer. Was it ended?" : refusal && `Not done: ${refusal}.`;
  return (
    <p class="connection" role="status">
      {text}
    </p>
  );
}
