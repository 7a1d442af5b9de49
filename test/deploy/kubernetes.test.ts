import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DEFAULT_PORTS } from "../../src/rpc/default-addresses.js";
import {
  type Container,
  containersOf,
  manifests,
  type PodTemplate,
  type Probe,
  workloads,
} from "./manifests.js";
import { serveArguments } from "./serve-arguments.js";

/** What an operator makes by hand, as the comments and docs/operations.md tell. */
const SECRETS: Readonly<Record<string, readonly string[]>> = {
  realm: ["realm.json", "master.key"],
  "kdc-tls": ["tls.crt", "tls.key"],
  postgres: ["password"],
  "postgres-tls": ["tls.crt", "tls.key"],
  "orders-keytab": ["orders.keytab"],
  "probe-keytab": ["probe.keytab"],
};
const CLAIMED = /^data$/;

const named = workloads().map(({ owner, pod }) => [`${owner.kind} ${owner.metadata.name}`, pod] as const);
const kdc = named.find(([name]) => name === "Deployment kdc")![1];

/** Whether a pod has all labels of a selector. */
function selects(selector: Readonly<Record<string, string>>, pod: PodTemplate): boolean {
  return Object.entries(selector).every(([key, value]) => pod.metadata.labels[key] === value);
}

function probesOf({ startupProbe, livenessProbe, readinessProbe }: Container): Probe[] {
  return [startupProbe, livenessProbe, readinessProbe].filter((probe) => probe !== undefined);
}

describe("every manifest", () => {
  test.each(manifests().map((manifest) => [`${manifest.file}: ${manifest.kind}`, manifest] as const))(
    "%s has a name, and is in the namespace",
    (_, { apiVersion, kind, metadata }) => {
      expect(apiVersion).toMatch(/^(apps\/|policy\/)?v1$/);
      expect(metadata.name).toMatch(/^[a-z0-9-]+$/);
      if (kind !== "Namespace") expect(metadata.namespace).toBe("tessera");
    },
  );

  test("no two of one kind have one name", () => {
    const names = manifests().map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("services and disruption budgets", () => {
  const services = manifests().filter(({ kind }) => kind === "Service");

  test.each(services.map((service) => [service.metadata.name, service] as const))(
    "%s leads to ports that its pods have",
    (_, { spec }) => {
      const chosen = named.filter(([, pod]) => selects(spec.selector as Record<string, string>, pod));
      expect(chosen).toHaveLength(1);
      const open = chosen[0]![1].spec.containers.flatMap(({ ports = [] }) => ports);
      for (const { name, port, targetPort = port } of spec.ports as ServicePort[])
        expect(
          open.some((one) => one.name === targetPort || one.containerPort === targetPort),
          `port ${name}`,
        ).toBe(true);
    },
  );

  test("a budget is for pods that there are", () => {
    const budgets = manifests().filter(({ kind }) => kind === "PodDisruptionBudget");
    expect(budgets).toHaveLength(1);
    for (const { spec } of budgets) {
      const { matchLabels } = spec.selector as { matchLabels: Record<string, string> };
      expect(named.filter(([, pod]) => selects(matchLabels, pod))).toHaveLength(1);
    }
  });
});

interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly targetPort?: string | number;
}

describe.each(named)("%s", (name, pod) => {
  const owner = workloads().find((one) => `${one.owner.kind} ${one.owner.metadata.name}` === name)!.owner;

  test("selects its own pods", () => {
    const { matchLabels } = owner.spec.selector as { matchLabels: Record<string, string> };
    expect(selects(matchLabels, pod)).toBe(true);
  });

  test("mounts volumes that there are, each secret one that the operator is told to make", () => {
    const volumes = pod.spec.volumes ?? [];
    for (const { volumeMounts = [] } of containersOf(pod))
      for (const mount of volumeMounts)
        expect(
          volumes.some((volume) => volume.name === mount.name) || CLAIMED.test(mount.name),
          mount.name,
        ).toBe(true);
    for (const { secret } of volumes) {
      if (secret === undefined) continue;
      expect(Object.keys(SECRETS)).toContain(secret.secretName);
      // Root's, and readable by the group of fsGroup: as the command wants files with secrets.
      expect(secret.defaultMode).toBe(0o440);
    }
  });

  test("takes from the environment only keys that its secrets have", () => {
    for (const { env = [] } of containersOf(pod))
      for (const { valueFrom } of env)
        if (valueFrom !== undefined)
          expect(SECRETS[valueFrom.secretKeyRef.name]).toContain(valueFrom.secretKeyRef.key);
  });

  test("is asked at ports that it has", () => {
    for (const container of pod.spec.containers) {
      const open = (container.ports ?? []).flatMap((port) => [port.name, port.containerPort]);
      for (const { httpGet, grpc } of probesOf(container)) {
        if (httpGet !== undefined) expect(open).toContain(httpGet.port);
        if (grpc !== undefined) expect(open).toContain(grpc.port);
      }
      expect(container.readinessProbe, container.name).toBeDefined();
    }
  });

  test("meets the namespace's `restricted` standard", () => {
    expect(pod.spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    for (const { securityContext } of containersOf(pod))
      expect(securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
      });
  });
});

describe("the KDC", () => {
  const [container] = kdc.spec.containers;
  const words = container!.args!.map(String);
  const { options, positionals } = serveArguments(words);

  test("runs AS and TGS with options that `tessera serve` has, on its own ports", () => {
    expect(positionals).toEqual(["as", "tgs"]);
    expect(container!.ports).toEqual(
      expect.arrayContaining([
        { name: "as", containerPort: DEFAULT_PORTS.as },
        { name: "tgs", containerPort: DEFAULT_PORTS.tgs },
      ]),
    );
  });

  test("answers probes and Prometheus at the port of --metrics", () => {
    const port = Number(String(options.metrics).split(":").pop());
    expect(container!.ports).toContainEqual({ name: "metrics", containerPort: port });
    const text = readFileSync(new URL("../../deploy/kubernetes/kdc.yaml", import.meta.url), "utf8");
    expect(text).toContain(`prometheus.io/port: "${port}"`);
    expect(probesOf(container!).map(({ httpGet }) => httpGet?.path)).toEqual(["/livez", "/livez", "/readyz"]);
  });

  test("reads certificates where their secret is mounted", () => {
    const { mountPath } = container!.volumeMounts!.find(({ name }) => name === "tls")!;
    const files = SECRETS["kdc-tls"]!.map((file) => `${mountPath}/${file}`);
    expect([options["tls-cert"], options["tls-key"]]).toEqual(files);
  });
});
