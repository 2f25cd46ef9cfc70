// Loaded into each mock server (node --require): it listens on 127.0.0.1 only, says on which port, and ends when its
// parent does, or after MOCK_SERVER_SECONDS at the latest.
const net = require("net");

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  this.once("listening", () => console.log(`listening on port ${this.address().port}.`));
  const callback = rest.find((item) => typeof item === "function");
  return listen.call(this, { port, host: "127.0.0.1" }, callback);
};

setTimeout(() => process.exit(0), Number(process.env.MOCK_SERVER_SECONDS) * 1000);
process.stdin.on("end", () => process.exit(0)).resume();
