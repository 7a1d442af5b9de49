/** The Kubernetes manifests in deploy/, read. */
import { readdirSync, readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

const FOLDER = new URL("../../deploy/kubernetes/", import.meta.url);

/** What these tests look at of an object. */
export interface Manifest {
  readonly file: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Record<string, unknown>;
}

/** A container of a pod. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly unknown[];
  readonly env?: readonly EnvironmentEntry[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext: Record<string, unknown>;
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
}

interface EnvironmentEntry {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
}

/** How the kubelet asks a container. */
export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string | number };
  readonly grpc?: { readonly port: number };
  readonly exec?: { readonly command: readonly string[] };
}

/** The pods that a Deployment or a StatefulSet makes. */
export interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly securityContext: Record<string, unknown>;
    readonly initContainers?: readonly Container[];
    readonly containers: readonly Container[];
    readonly volumes?: readonly Volume[];
  };
}

interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName: string; readonly defaultMode?: number };
  readonly emptyDir?: object;
}

/** Every object of every file. Throws for a file that is no YAML. */
export function manifests(): Manifest[] {
  return readdirSync(FOLDER).flatMap((file) =>
    parseAllDocuments(readFileSync(new URL(file, FOLDER), "utf8")).map((document) => {
      const [error] = [...document.errors, ...document.warnings];
      if (error !== undefined) throw new Error(`${file}: ${error.message}`);
      return { file, ...document.toJS() } as Manifest;
    }),
  );
}

/** Those that make pods, with the pods' template. */
export function workloads(): { readonly owner: Manifest; readonly pod: PodTemplate }[] {
  return manifests()
    .filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet")
    .map((owner) => ({ owner, pod: owner.spec.template as PodTemplate }));
}

/** All containers of a pod. */
export function containersOf({ spec }: PodTemplate): readonly Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers];
}
