/**
 * What Redis does in one step with one session. KEYS: the session's hash, its turns, and which (role, turn) have been said;
 * all three carry the session's id as their hash tag. ARGV starts with the writing pod, the epoch of the write, the
 * time to live in ms, and the number of the write among those of its pod.
 *
 * A write that nobody waits for any longer may still arrive, after others of the same pod that came over a newer
 * connection. The number tells: such a write is answered with 'late', and whoever does wait repeats it.
 *
 * What is JSON passes through as text: Lua would make an empty list an empty object, and shorten long numbers.
 */
import { RedisScript } from './redis-script.ts';
import { RECORD_FIELDS } from './redis-session-fields.ts';

const FIELD_NAMES = RECORD_FIELDS.map((field) => `'${field}'`).join(', ');

const PRELUDE = `
local pod, epoch, ttl, sequence = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

local function whole(number) return string.format('%.0f', number) end

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function fields() return redis.call('HMGET', KEYS[1], ${FIELD_NAMES}) end

-- Of what is no list, and so not ours, nothing.
local function turns()
  local lines = redis.pcall('LRANGE', KEYS[2], 0, -1)
  return lines.err and {} or lines
end

local function everything() return fields(), redis.call('HGET', KEYS[1], 'continuation'), turns() end

-- Why a write of the whole is not taken, or nil.
local function refusal()
  local stored = redis.call('HMGET', KEYS[1], 'epoch', 'owner', 'sequence')
  local offered, current, last = tonumber(epoch), tonumber(stored[1]), tonumber(stored[3])
  -- An epoch that is none was written by nobody of us: the owner has the session.
  if not current then return {'missing'} end
  if offered < current or (offered == current and stored[2] ~= pod) then return {'stale', stored[1]} end
  if offered == current and last and tonumber(sequence) < last then return {'late', stored[3]} end
  return nil
end

-- Why a write of a part is not taken, or nil: as above, or for all that Redis has lost since the claim of that epoch.
local function partRefusal()
  local refused = refusal()
  if refused then return refused end
  local stored = redis.call('HGET', KEYS[1], 'epoch')
  if tonumber(epoch) > tonumber(stored) then return {'behind', stored} end
  return nil
end

-- Writes the record whose fields begin at ARGV[first].
local function write(first)
  for index, field in ipairs({${FIELD_NAMES}}) do redis.call('HSET', KEYS[1], field, ARGV[first + index - 1]) end
end

-- Ends every write. A session is kept for its time to live after its last sign of life, or after it has ended.
local function touch()
  local stored = redis.call('HMGET', KEYS[1], 'state', 'expiresAt')
  local left = ttl
  if stored[1] ~= 'ended' then left = left + math.max(0, (tonumber(stored[2]) or 0) - now()) end
  redis.call('HSET', KEYS[1], 'sequence', sequence)
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, whole(left)) end
end
`;

const script = (text: string): RedisScript => new RedisScript(`${PRELUDE}${text}`);

/** ARGV[5…]: the record. */
export const createScript = script(`
if redis.call('EXISTS', KEYS[1]) == 1 then return {'exists'} end
write(5)
touch()
return {'ok'}
`);

/** ARGV[5]: the version that was read; ARGV[6…]: the changed record. */
export const replaceScript = script(`
local refused = partRefusal()
if refused then return refused end
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[5] then return {'conflict', fields()} end
write(6)
touch()
return {'ok'}
`);

/** ARGV[5]: until when. */
export const renewScript = script(`
local refused = partRefusal()
if refused then return refused end
if redis.call('HGET', KEYS[1], 'state') ~= 'ended' then
  redis.call('HSET', KEYS[1], 'expiresAt', ARGV[5])
  redis.call('HINCRBY', KEYS[1], 'version', 1)
  touch()
end
return {'ok', fields()}
`);

/** ARGV[5]: what tells the line apart; ARGV[6]: the line. */
export const appendScript = script(`
local refused = partRefusal()
if refused then return refused end
local added = redis.call('SADD', KEYS[3], ARGV[5])
if added == 1 then redis.call('RPUSH', KEYS[2], ARGV[6]) end
touch()
return {'ok', added}
`);

/** ARGV[5]: the continuation. */
export const continuationScript = script(`
local refused = partRefusal()
if refused then return refused end
redis.call('HSET', KEYS[1], 'continuation', ARGV[5])
touch()
return {'ok'}
`);

/** Reads all of a session as it stands at one moment. */
export const loadScript = script(`
local record, continuation, lines = everything()
return {record, continuation, lines}
`);

/**
 * ARGV[5]: id of the claim. The epoch of the write is the one that the claimer believes to be over.
 *
 * The new epoch outdoes the stored one, the one that the claimer knows of, and the clock: a Redis that was emptied, or that
 * lost its latest writes, gives no epoch away twice.
 */
export const claimScript = script(`
local stored = redis.call('HMGET', KEYS[1], 'epoch', 'state', 'claim')
local current, believed = tonumber(stored[1]), tonumber(epoch)
if not current then return {'missing'} end
if stored[2] == 'ended' then return {'overtaken', fields()} end
if stored[3] ~= ARGV[5] .. '@' .. stored[1] then
  if current > believed then return {'overtaken', fields()} end
  local clock = now()
  local claimed = whole(math.max(believed + 1, clock))
  redis.call('HSET', KEYS[1], 'epoch', claimed, 'owner', pod, 'updatedAt', whole(clock), 'claim', ARGV[5] .. '@' .. claimed)
  redis.call('HINCRBY', KEYS[1], 'version', 1)
  touch()
  redis.call('HDEL', KEYS[1], 'sequence')
end
local record, continuation, lines = everything()
return {'claimed', record, continuation, lines}
`);

/**
 * ARGV[5…]: the record, then the continuation ('' leaves the stored one), then pairs of a line's key and the line. Merges
 * as transcript-merge.ts does. What lies under the session's keys and cannot be a part of it makes way.
 */
export const putScript = script(`
for index, kind in ipairs({'hash', 'list', 'set'}) do
  if redis.call('TYPE', KEYS[index]).ok ~= kind then redis.call('DEL', KEYS[index]) end
end
local refused = refusal()
if refused and refused[1] ~= 'missing' then return refused end
local before = redis.call('HGET', KEYS[1], 'version')
write(5)
local rest = 5 + ${RECORD_FIELDS.length}
if before then
  local version = math.max(tonumber(before) or 0, tonumber(redis.call('HGET', KEYS[1], 'version'))) + 1
  redis.call('HSET', KEYS[1], 'version', whole(version))
end
if ARGV[rest] ~= '' then redis.call('HSET', KEYS[1], 'continuation', ARGV[rest]) end

local owned = {}
for index = rest + 1, #ARGV, 2 do owned[ARGV[index]] = true end
local followers, position = {[''] = {}}, ''
for _, line in ipairs(turns()) do
  local decoded, read = pcall(cjson.decode, line)
  local ours = decoded and type(read) == 'table' and type(read.role) == 'string' and type(read.turnId) == 'string'
  local key = ours and read.role .. ':' .. read.turnId
  if key and owned[key] then
    position = key
  elseif key then
    followers[position] = followers[position] or {}
    table.insert(followers[position], line)
  end
end
redis.call('DEL', KEYS[2])
for _, line in ipairs(followers['']) do redis.call('RPUSH', KEYS[2], line) end
for index = rest + 1, #ARGV, 2 do
  redis.call('RPUSH', KEYS[2], ARGV[index + 1])
  redis.call('SADD', KEYS[3], ARGV[index])
  for _, line in ipairs(followers[ARGV[index]] or {}) do redis.call('RPUSH', KEYS[2], line) end
end
touch()
return {'ok', fields()}
`);
