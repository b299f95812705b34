#!/usr/bin/env python3
"""Writes tenants/policies.yaml and tenants/tests.yaml: four rules for each of 250 tenants, and a test for each rule.

The contracts are made up, and the same on every run. `generate.py --check` only says whether the files are up to date.
"""

import pathlib
import sys

TENANTS = 250
BESTSELLERS = ["reports", "dashboards", "audit", "webhooks", "archive"]
FOLDER = pathlib.Path(__file__).resolve().parent / "tenants"


def rules(number):
    """Name, condition, effect, and a request that the rule applies to."""
    tenant = f"t{number:04}"
    feature = BESTSELLERS[number % len(BESTSELLERS)]
    network = f"10.{number % 200}.0.0/16"
    ranking = "semantic" if number % 3 == 0 else "classic"
    mine = f"context.tenant_id == '{tenant}'"
    yield (
        f"{tenant}-without-{feature}",
        f"{mine} && request.url_path.startsWith('/{feature}/')",
        f"deny: {{status: 402, message: {feature} is not in the contract}}",
        {"path": f"/{feature}/1", "denied": 402},
    )
    yield (
        f"{tenant}-own-network",
        # Without a tenant the address may be missing too, and a condition that fails would refuse the request.
        f"has(context.tenant_id) && {mine} && !cidr('{network}').containsIP(context.client_ip)",
        "deny: {status: 403, message: the contract names the networks that may call}",
        {"path": "/", "ip": "192.0.2.1", "denied": 403},
    )
    yield (
        f"{tenant}-audited-deletes",
        f"{mine} && request.method == 'DELETE'",
        "audit: {}",
        {"path": "/", "method": "DELETE", "audited": True},
    )
    yield (
        f"{tenant}-ranking",
        mine,
        f"set: {{search_ranking: \"'{ranking}'\"}}",
        {"path": "/", "ranking": ranking},
    )


def policies():
    lines = [
        "# Made by generate.py from the contracts of the tenants. Change it there.",
        "apiVersion: contextmesh.io/v1",
        "kind: ContextPolicy",
        "metadata: {name: contracts, domain: product}",
        "spec:",
        "  workloads: [api]",
        "  rules:",
    ]
    for number in range(1, TENANTS + 1):
        for name, when, effect, _ in rules(number):
            lines += [f"    - name: {name}", f"      when: {when}", f"      {effect}"]
    return "\n".join(lines) + "\n"


def tests():
    lines = [
        "# Made by generate.py: a case for each rule of policies.yaml.",
        "apiVersion: contextmesh.io/v1",
        "kind: PolicyTest",
        "metadata: {name: contracts, domain: product}",
        "spec:",
        "  now: 2026-03-02T09:00:00Z",
        "  principals:",
        "    edge: {service: edge-gateway}",
        "  tests:",
        "    - name: contract",
        "      workload: api",
        "      principal: edge",
        "      cases:",
    ]
    for number in range(1, TENANTS + 1):
        tenant = f"t{number:04}"
        for name, _, _, given in rules(number):
            ip = given.get("ip", f"10.{number % 200}.7.7")
            request = f"{{method: {given.get('method', 'GET')}, path: {given['path']}}}"
            rule = f"product/contracts/{name}"
            if "denied" in given:
                expect = f"{{decision: deny, rule: {rule}, status: {given['denied']}}}"
            elif "audited" in given:
                expect = f"{{audited: [{rule}]}}"
            else:
                expect = f"{{context: {{search_ranking: {given['ranking']}}}}}"
            lines += [
                f"        - name: {name}",
                f"          request: {request}",
                f"          context: {{tenant_id: {tenant}, client_ip: {ip}, plan: enterprise}}",
                f"          expect: {expect}",
            ]
    return "\n".join(lines) + "\n"


def main():
    stale = []
    FOLDER.mkdir(exist_ok=True)
    for name, text in [("policies.yaml", policies()), ("tests.yaml", tests())]:
        path = FOLDER / name
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text)
    if stale and "--check" in sys.argv:
        sys.exit(f"not up to date: {', '.join(stale)}; run {pathlib.Path(__file__).name}")


if __name__ == "__main__":
    main()
