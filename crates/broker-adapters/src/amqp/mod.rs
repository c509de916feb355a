//! RabbitMQ and its relatives: AMQP 0-9-1.
