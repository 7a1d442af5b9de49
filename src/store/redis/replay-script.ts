/**
 * What Redis does with authenticators, each in one atomic step (rules: replay-rules.ts; keys:
 * docs/formats.md, "Replay cache").
 *
 * The answer to each is a list: what became of it, how many authenticators are remembered, the epoch, and a
 * time in milliseconds where the outcome has one.
 */

/** How long a primary that was given up may go on taking writes, in milliseconds: `min-replicas-max-lag`. */
export const FAILOVER_MS = 10_000;

/**
 * Begins the state where there is none: of a new realm or key, if `fresh` is 1, nothing can have been
 * accepted.
 */
export const BEGIN = `
local state, fresh, run = KEYS[1], ARGV[1], ARGV[2]
if fresh == '1' and redis.call('EXISTS', state) == 0 then
  redis.call('HSET', state, 'run', run, 'epoch', 1, 'through', 0)
end
return tonumber(redis.call('HGET', state, 'epoch') or 0)`;

/** Stores authenticators: four arguments for each after the first five. Answers with a list for each. */
export const STORE = `
local state, ends, bucketsOf = KEYS[1], KEYS[2], KEYS[3]
local run, known = ARGV[1], tonumber(ARGV[2])
local skew, room, newWidth = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local function text(number) return string.format('%.0f', number) end
local function times(value) return string.match(value or '0 0', '(%d+) (%d+)') end

local clock = redis.call('TIME')
local time = clock[1] * 1000 + math.floor(clock[2] / 1000)
local had = redis.call('HMGET', state, 'run', 'epoch', 'through', 'width', 'next', 'size')
local epoch, through = tonumber(had[2] or 0), tonumber(had[3] or 0)
local width, next, size = tonumber(had[4] or newWidth), tonumber(had[5] or 0), tonumber(had[6] or 0)

-- Lets go of the buckets that end. The mark must be there before they go.
local function sweep(now)
  local ended = {}
  next = math.huge
  local all = redis.call('HGETALL', ends)
  for at = 1, #all, 2 do
    local last, latest = times(all[at + 1])
    if now > tonumber(last) then
      table.insert(ended, all[at])
      through = math.max(through, tonumber(latest))
      size = size - redis.call('SCARD', bucketsOf .. all[at])
    else next = math.min(next, tonumber(last)) end
  end
  if #ended == 0 then return end
  -- After a deletion a script may write although memory is full.
  redis.call('UNLINK', bucketsOf)
  redis.call('HSET', state, 'through', text(through), 'size', size)
  for _, bucket in ipairs(ended) do
    redis.call('UNLINK', bucketsOf .. bucket)
    redis.call('HDEL', ends, bucket)
  end
end

local function store(tag, ctime, expiry, now)
  local function answer(outcome, at) return { outcome, size, epoch, text(at or 0) } end
  -- Whose clock differs from this one is told so, and changes nothing.
  if math.abs(now - time) > skew then return answer('clock', time) end
  if ctime > time + skew then return answer('ahead', time) end
  -- Another server, or an older past, than the epoch knows: what was accepted until now may be lost.
  if had[1] ~= run or epoch < known then
    epoch, had[1] = math.max(epoch, known) + 1, run
    through = math.max(through, math.max(now, time) + skew + ${FAILOVER_MS})
    redis.call('HSET', state, 'run', run, 'epoch', epoch, 'through', text(through))
  end
  if now > next then sweep(now) end
  local number = text(math.floor(ctime / width))
  local bucket = bucketsOf .. number
  if redis.call('SISMEMBER', bucket, tag) == 1 then return answer('repeated') end
  if ctime <= through then return answer('closed', through) end
  if size >= room then
    sweep(now)
    return answer('full', next)
  end
  size = size + 1
  next = math.min(next, expiry)
  local last, latest = times(redis.call('HGET', ends, number))
  redis.call('HSET', ends, number,
    text(math.max(tonumber(last), expiry)) .. ' ' .. text(math.max(tonumber(latest), ctime)))
  redis.call('HSET', state, 'width', width, 'size', size, 'next', text(next))
  redis.call('SADD', bucket, tag)
  return answer('accepted')
end

local answers = {}
for at = 6, #ARGV, 4 do
  table.insert(answers, store(ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])))
end
return answers`;
