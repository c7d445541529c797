// A server in the page: answers POST /v1/realtime/calls with a second peer connection that shows a picture and hums.
// `server.send(event)` speaks to the page, `server.received` is what the page said.
(() => {
  const real = window.fetch;
  const server = { received: [], calls: [], deleted: [], full: 0 };
  window.server = server;

  server.send = (type, fields = {}) => server.channel.send(JSON.stringify({ type, ...fields }));
  server.hangUp = () => server.peer.close();

  async function answer(sdp) {
    const peer = new RTCPeerConnection();
    server.peer = peer;
    peer.ondatachannel = ({ channel }) => {
      server.channel = channel;
      channel.onmessage = ({ data }) => server.received.push(JSON.parse(data));
    };
    const canvas = Object.assign(document.createElement("canvas"), { width: 512, height: 512 });
    const brush = canvas.getContext("2d");
    server.timer = setInterval(() => {
      brush.fillStyle = `hsl(${performance.now() / 20} 40% 60%)`;
      brush.fillRect(0, 0, 512, 512);
    }, 40);
    const sound = new AudioContext();
    const out = sound.createMediaStreamDestination();
    const hum = new OscillatorNode(sound, { frequency: 100 });
    hum.connect(new GainNode(sound, { gain: 0.0005 })).connect(out);
    hum.start();
    const stream = new MediaStream([...canvas.captureStream(25).getTracks(), ...out.stream.getTracks()]);
    await peer.setRemoteDescription({ type: "offer", sdp });
    for (const track of stream.getTracks()) peer.addTrack(track, stream);
    await peer.setLocalDescription(await peer.createAnswer());
    await new Promise((resolve) => {
      if (peer.iceGatheringState === "complete") resolve();
      peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && resolve();
    });
    return peer.localDescription.sdp;
  }

  window.fetch = async (url, options = {}) => {
    if (options.method === "DELETE") {
      server.deleted.push(new URL(url, location).pathname);
      return new Response(null, { status: 204 });
    }
    if (options.method !== "POST") return real(url, options);
    server.calls.push(JSON.parse(options.body.get("session")));
    if (server.full-- > 0) {
      const error = { error: { message: "No place is free.", code: "full" } };
      return new Response(JSON.stringify(error), { status: 503, headers: { "Retry-After": "1" } });
    }
    const sdp = await answer(options.body.get("sdp"));
    return new Response(sdp, { status: 201, headers: { Location: "/v1/realtime/calls/call-1" } });
  };
})();
