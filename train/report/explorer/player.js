// Playing: a dry sound through a convolver, and a crossfade to the next one.

var input = audio.createGain(), dry_gain = audio.createGain(), wet_gain = audio.createGain(), master = audio.createGain();
var limiter = audio.createDynamicsCompressor();
limiter.threshold.value = -4; limiter.knee.value = 3; limiter.ratio.value = 20; limiter.attack.value = 0.002; limiter.release.value = 0.15;
input.connect(dry_gain); dry_gain.connect(master); wet_gain.connect(master); master.connect(limiter); limiter.connect(audio.destination);
var source = null, source_gain = null, dry_sound = null, playing_convolver = null;

function set_levels() {
  dry_gain.gain.setTargetAtTime(Math.cos(0.5 * Math.PI * state.wet), audio.currentTime, 0.02);
  wet_gain.gain.setTargetAtTime(Math.sin(0.5 * Math.PI * state.wet), audio.currentTime, 0.02);
  master.gain.setTargetAtTime(state.volume * state.volume, audio.currentTime, 0.02);
}

function buffer_of(pair, ears) {
  var left = ears === 'right' ? pair[1] : pair[0], right = ears === 'left' ? pair[0] : pair[1];
  var buffer = audio.createBuffer(2, Math.max(left.length, right.length), audio.sampleRate);
  buffer.getChannelData(0).set(left);
  buffer.getChannelData(1).set(right);
  return buffer;
}

/// From the response that plays to another one, both sounding for FADE_S.
function crossfade(pair) {
  var convolver = audio.createConvolver(), gain = audio.createGain(), now = audio.currentTime, old = playing_convolver;
  convolver.normalize = false;  // the bank's responses are of equal energy
  convolver.buffer = buffer_of(pair, state.ears);
  gain.gain.setValueAtTime(old ? 0 : 1, now);
  if (old) gain.gain.linearRampToValueAtTime(1, now + FADE_S);
  input.connect(convolver); convolver.connect(gain); gain.connect(wet_gain);
  playing_convolver = {convolver: convolver, gain: gain};
  if (!old) return;
  old.gain.gain.cancelScheduledValues(now);
  old.gain.gain.setValueAtTime(1, now);
  old.gain.gain.linearRampToValueAtTime(0, now + FADE_S);
  setTimeout(function () { input.disconnect(old.convolver); old.convolver.disconnect(); old.gain.disconnect(); }, 1000 * FADE_S + 80);
}

// One change at a time; of those asked for meanwhile the last one counts.
var busy = false, again = false, shown = null;
function update() {
  if (busy) { again = true; return Promise.resolve(); }
  busy = true; again = false;
  var loading = setTimeout(function () { $('status').textContent = 'loading …'; }, 150);
  return chosen_response().then(function (pair) {
    shown = pair;
    crossfade(pair);
    draw(pair);
    $('status').textContent = '';
  }).catch(function (error) { $('status').textContent = String(error && error.message || error); }).then(function () {
    clearTimeout(loading);
    return new Promise(function (resolve) { setTimeout(resolve, 1000 * FADE_S + 20); });
  }).then(function () { busy = false; if (again) return update(); });
}

function play() {
  if (!dry_sound) return;
  audio.resume();
  source = audio.createBufferSource();
  source_gain = audio.createGain();
  source.buffer = dry_sound; source.loop = $('loop').checked;
  source.connect(source_gain); source_gain.connect(input);
  source.onended = function () { if (this === source) { source = null; show_playing(); } };
  source.start();
  show_playing();
}

function stop() {
  if (!source) return;
  var old = source, gain = source_gain, now = audio.currentTime;
  source = null;
  gain.gain.setValueAtTime(1, now);
  gain.gain.linearRampToValueAtTime(0, now + 0.03);
  old.stop(now + 0.04);
  show_playing();
}

function show_playing() {
  $('play').textContent = source ? 'Stop' : 'Play';
  $('play').setAttribute('aria-pressed', String(!!source));
}

/// A rest at its end, so that a loop lets the room be heard.
function with_rest(sound, rest_s) {
  var out = audio.createBuffer(sound.numberOfChannels, sound.length + Math.round(rest_s * sound.sampleRate), sound.sampleRate);
  for (var c = 0; c < sound.numberOfChannels; ++c) out.getChannelData(c).set(sound.getChannelData(c));
  return out;
}

function use_dry(sound, name) {
  var was_playing = !!source;
  stop();
  dry_sound = with_rest(sound, 1.2);
  $('dry-name').textContent = name;
  if (was_playing) play();
}
