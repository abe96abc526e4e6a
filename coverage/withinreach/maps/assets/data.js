// Data islands -> values and typed arrays. packing.py describes the format.

function readJson(key) {
  return JSON.parse(document.getElementById("wr-" + key).textContent);
}

async function readArrays(key) {
  const island = document.getElementById("wr-" + key);
  const payload = await gunzip(bytesOfBase64(island.textContent));
  // The text is several times the size of the arrays; nothing reads it twice.
  island.textContent = "";
  return unpack(payload);
}

function bytesOfBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function gunzip(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function unpack(payload) {
  const head = new DataView(payload.buffer).getUint32(0, true);
  const entries = JSON.parse(new TextDecoder().decode(payload.subarray(4, 4 + head)));
  const arrays = {};
  let at = 4 + head;
  for (const { name, kind, length } of entries) {
    if (kind === "uint8") {
      arrays[name] = payload.subarray(at, at + length);
      at += length;
    } else {
      arrays[name] = joinPlanes(payload.subarray(at, at + 4 * length), length);
      at += 4 * length;
    }
  }
  return arrays;
}

// Whole steps as what they stand for; -1, nothing known, stays.
function timesStep(values, step) {
  return step === 1 ? values : values.map((value) => (value < 0 ? value : value * step));
}

function joinPlanes(bytes, length) {
  const values = new Int32Array(length);
  let last = 0;
  for (let i = 0; i < length; i++) {
    const zigzag =
      bytes[i] | (bytes[length + i] << 8) | (bytes[2 * length + i] << 16) | (bytes[3 * length + i] << 24);
    last = (last + ((zigzag >>> 1) ^ -(zigzag & 1))) | 0;
    values[i] = last;
  }
  return values;
}
