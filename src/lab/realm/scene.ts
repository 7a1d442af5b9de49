/** The scenes that run: which profile a lab's realm has, and which encryption types its keys and clients. */
import { type ClientEtypes, profileEtypes } from "../../client/client-etypes.js";
import { etypeByName } from "../../protocol/etypes.js";
import { type ProfileName, profile } from "../../protocol/profile.js";
import type { Scene } from "./scene-name.js";

export type { Scene };

/** What a scene makes of a realm. */
export interface SceneSettings {
  readonly profile: ProfileName;
  /** The encryption types of every principal's keys, by their numbers. */
  readonly keyEtypes: readonly number[];
  /** What clients accept. */
  readonly clientEtypes: ClientEtypes;
}

const DES_ECB = etypeByName("des-ecb")!.etype;

/** The scenes, weakest first. */
export const SCENES: Readonly<Record<Scene, SceneSettings>> = {
  "textbook-ecb": {
    profile: "textbook",
    keyEtypes: [DES_ECB],
    clientEtypes: { permitted: [DES_ECB], first: DES_ECB },
  },
  textbook: sceneOf("textbook"),
  standard: sceneOf("standard"),
};

function sceneOf(name: ProfileName): SceneSettings {
  return { profile: name, keyEtypes: profile(name).keyEtypes, clientEtypes: profileEtypes(name) };
}

/** Whether `text` names a scene. */
export function isScene(text: string): text is Scene {
  return Object.hasOwn(SCENES, text);
}
