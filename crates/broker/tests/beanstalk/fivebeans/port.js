// The suite speaks to port 11300, beanstalkd's own. Whatever it connects to there goes to the port in PORT instead.
const { Socket } = require('net');

const connect = Socket.prototype.connect;

Socket.prototype.connect = function (...args) {
  const moved = (value) => (Number(value) === 11300 ? Number(process.env.PORT) : value);
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (options && typeof options === 'object') {
    options.port = moved(options.port);
  } else {
    args[0] = moved(args[0]);
  }
  return connect.apply(this, args);
};
