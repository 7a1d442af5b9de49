/** The live page: what `tessera lab` serves. */
import { render } from "preact";
import { LabPage } from "./lab-page.tsx";

render(<LabPage />, document.getElementById("lab")!);
