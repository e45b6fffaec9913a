// Sliders, buttons, files, the address; and the start.

function minus(number) { return String(number).replace('-', '−'); }

function show_state() {
  NAMES.forEach(function (name, a) {
    $(name).value = state.point[a];
    $(name + '-value').textContent = minus(state.point[a].toFixed(2));
  });
  $('width').value = state.width;
  $('width-value').textContent = state.width === 0 ? 'bank’s own' : state.width.toFixed(2);
  $('wet').value = state.wet; $('wet-value').textContent = Math.round(100 * state.wet) + ' %';
  $('volume').value = state.volume; $('volume-value').textContent = Math.round(100 * state.volume) + ' %';
  ['stereo', 'left', 'right'].forEach(function (ears) { $('ears-' + ears).setAttribute('aria-pressed', String(state.ears === ears)); });
  var steps = state.point.map(function (v, a) { return +grid_place(a, v).toFixed(2); });
  $('command').textContent = 'diffverb-render ' + BANK.file + ' --bank ' + steps.join(',') + ' --in dry.wav --out wet.wav';
  try { history.replaceState(null, '', '#' + state.point.map(function (v) { return v.toFixed(3); }).join(',') + ',' + state.width.toFixed(2)); } catch (e) { /* a page from a disk in some browsers */ }
}

function changed() { show_state(); draw_map(); return update(); }

function read_address() {
  var numbers = location.hash.slice(1).split(',').map(Number);
  if (numbers.length < 3 || numbers.some(isNaN)) return;
  state.point = state.point.map(function (v, a) { return Math.min(BANK.axes[a][SIZES[a] - 1], Math.max(BANK.axes[a][0], numbers[a])); });
  if (numbers.length > 3) state.width = Math.min(+$('width').max, Math.max(0, numbers[3]));
}

NAMES.forEach(function (name, a) {
  var slider = $(name), axis = BANK.axes[a];
  slider.min = axis[0]; slider.max = axis[axis.length - 1]; slider.step = 'any';
  slider.disabled = axis.length === 1;
  slider.addEventListener('input', function () { state.point[a] = +slider.value; changed(); });
});
(function () {
  var spans = BANK.axes.map(function (a) { return a[a.length - 1] - a[0]; });
  $('width').max = Math.max(0.001, 0.5 * Math.max.apply(null, spans)).toFixed(3);
})();
$('width').addEventListener('input', function () { state.width = +this.value; changed(); });
$('wet').addEventListener('input', function () { state.wet = +this.value; show_state(); set_levels(); });
$('volume').addEventListener('input', function () { state.volume = +this.value; show_state(); set_levels(); });
['stereo', 'left', 'right'].forEach(function (ears) { $('ears-' + ears).addEventListener('click', function () { state.ears = ears; changed(); }); });
$('play').addEventListener('click', function () { if (source) stop(); else play(); });
$('loop').addEventListener('change', function () { if (source) source.loop = this.checked; });
$('random').addEventListener('click', function () {
  state.point = BANK.axes.map(function (a) { return a[0] + Math.random() * (a[a.length - 1] - a[0]); });
  changed();
});
$('file').addEventListener('change', function () {
  var file = this.files[0];
  if (!file) return;
  var reader = new FileReader();
  reader.onload = function () {
    decode(reader.result).then(function (sound) { use_dry(sound, file.name); $('status').textContent = ''; },
                               function () { $('status').textContent = file.name + ': this browser cannot decode it'; });
  };
  reader.readAsArrayBuffer(file);
});
$('own').addEventListener('click', load_own);

function load_own() {
  return decode(bytes_of(BANK.dry)).then(function (sound) { use_dry(sound, BANK.dry_name); });
}

/// What is heard now as a WAV file, 32-bit float, at the browser's rate.
function wav_of(pair) {
  var frames = Math.max(pair[0].length, pair[1].length), view = new DataView(new ArrayBuffer(44 + 8 * frames));
  var tag = function (at, word) { for (var i = 0; i < 4; ++i) view.setUint8(at + i, word.charCodeAt(i)); };
  tag(0, 'RIFF'); view.setUint32(4, 36 + 8 * frames, true); tag(8, 'WAVE'); tag(12, 'fmt '); view.setUint32(16, 16, true);
  view.setUint16(20, 3, true); view.setUint16(22, 2, true); view.setUint32(24, audio.sampleRate, true);
  view.setUint32(28, audio.sampleRate * 8, true); view.setUint16(32, 8, true); view.setUint16(34, 32, true);
  tag(36, 'data'); view.setUint32(40, 8 * frames, true);
  for (var n = 0; n < frames; ++n) for (var c = 0; c < 2; ++c) view.setFloat32(44 + 8 * n + 4 * c, pair[c][n] || 0, true);
  return new Blob([view.buffer], {type: 'audio/wav'});
}
$('save').addEventListener('click', function () {
  if (!shown) return;
  var link = document.createElement('a');
  link.href = URL.createObjectURL(wav_of(shown));
  link.download = 'room_' + state.point.map(function (v) { return v.toFixed(2); }).join('_') + '.wav';
  link.click();
  setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
});

function pick_on_map(event) {
  var box = $('map').getBoundingClientRect(), l = 44, r = box.width - 10, t = 8, b = box.height - 34;
  var share = [(event.clientX - box.left - l) / (r - l), (b - (event.clientY - box.top)) / (b - t)];
  [0, 1].forEach(function (a) {
    if (SIZES[a] === 1) return;
    var place = Math.min(SIZES[a] - 1, Math.max(0, share[a] * SIZES[a] - 0.5)), k = Math.min(SIZES[a] - 2, Math.floor(place)), axis = BANK.axes[a];
    state.point[a] = axis[k] + (place - k) * (axis[k + 1] - axis[k]);
  });
  changed();
}
$('map').addEventListener('pointerdown', function (event) { this.setPointerCapture(event.pointerId); pick_on_map(event); });
$('map').addEventListener('pointermove', function (event) { if (event.buttons & 1) pick_on_map(event); });

var redraw = null;
window.addEventListener('resize', function () { clearTimeout(redraw); redraw = setTimeout(function () { if (shown) draw(shown); }, 120); });
if (window.matchMedia) {
  var scheme = matchMedia('(prefers-color-scheme: dark)');
  if (scheme.addEventListener) scheme.addEventListener('change', function () { if (shown) draw(shown); });
}
document.addEventListener('keydown', function (event) {
  if (event.key !== ' ' || /INPUT|BUTTON|A|SUMMARY/.test(event.target.tagName)) return;
  event.preventDefault();
  if (source) stop(); else play();
});

// For checks from outside: what is heard, rendered.
window.explorer = {
  state: state, audio: audio, changed: changed, chosen: chosen_response, decoded: decoded, play: play, stop: stop,
  is_playing: function () { return !!source; }, convolver: function () { return playing_convolver && playing_convolver.convolver; },
  render: function (seconds) {
    return chosen_response().then(function (pair) {
      var offline = new OfflineAudioContext(2, Math.round(seconds * audio.sampleRate), audio.sampleRate);
      var convolver = offline.createConvolver(), player = offline.createBufferSource();
      convolver.normalize = false;
      convolver.buffer = buffer_of(pair, state.ears);
      player.buffer = dry_sound;
      player.connect(convolver); convolver.connect(offline.destination);
      player.start();
      return offline.startRendering();
    });
  }
};

read_address();
set_levels();
show_state();
window.explorer.ready = load_own().then(update);
