// WebSocket 连接
const ws = new WebSocket('ws://localhost:8081/ws');

ws.onopen = () => {
  // 发送登录消息
  ws.send(JSON.stringify({
    type: 'login',
    payload: {
      uid: 'user_id',
      token: 'jwt_token'
    }
  }));
};

ws.onmessage = (event) => {
  const message = JSON.parse(event.data);
  
  // 处理离线消息同步
  if (message.type === 'offline_messages') {
    const { messages, count } = JSON.parse(message.payload);
    console.log(`收到 ${count} 条离线消息`);
    
    // 显示消息
    messages.forEach(msg => {
      displayMessage(msg);
    });
    
    // 标记已同步
    const messageIds = messages.map(m => m.message_id);
    fetch('/api/messages/mark_synced', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Authorization': `Bearer ${token}`
      },
      body: JSON.stringify({ message_ids: messageIds })
    });
  }
};
