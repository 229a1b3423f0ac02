// @vitest-environment happy-dom
import { expect, test } from "vitest";
import type { ConnectionView } from "../../src/api/schema";
import { signInBefore } from "../../src/card/connect-dialog";

const org: ConnectionView["org"] = {
  id: "00D5g000004XyZaEAK", name: "Acme", edition: null, is_sandbox: false, instance_url: "https://acme.my.salesforce.com", lightning_url: null,
};

test.each([
  ["my_domain", "acme--uat.sandbox.my.salesforce.com", "my_domain", "acme--uat.sandbox.my.salesforce.com"],
  ["production", "login.salesforce.com", "production", "acme.my.salesforce.com"],
  ["sandbox", "test.salesforce.com", "sandbox", "acme.my.salesforce.com"],
  ["other", "login.salesforce.com", "production", "acme.my.salesforce.com"],
] as const)("a reconnect begins where people signed in before: %s", (environment, loginHost, chosen, myDomain) => {
  expect(signInBefore({ environment: environment as ConnectionView["environment"], login_host: loginHost, org })).toEqual({ environment: chosen, myDomain });
});
